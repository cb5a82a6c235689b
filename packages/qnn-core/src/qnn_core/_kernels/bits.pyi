from numpy import uint8
from numpy.typing import NDArray

Codes = NDArray[uint8]

def pack(codes_n: Codes, bits: int, out_b: Codes) -> None: ...
def unpack(packed_b: Codes, bits: int, out_n: Codes) -> None: ...
