// Owns the precompiled LibTorch headers that the other training targets reuse.
