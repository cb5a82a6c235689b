from numpy import uint8
from numpy.typing import NDArray

_Codes = NDArray[uint8]

def pack(codes_n: _Codes, bits: int, out_b: _Codes) -> None: ...
def unpack(packed_b: _Codes, bits: int, out_n: _Codes) -> None: ...
