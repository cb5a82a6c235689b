class Plain:
    bits = 2
    levels = (-1, 0, 1)
