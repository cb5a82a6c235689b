from typing import final

@final
class Block:
    def __init__(self, size: int) -> None: ...

def kept_bytes() -> int: ...
