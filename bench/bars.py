"""What Cairn wants to reach, as ratios to a peer in the same run."""

# Times ONNX Runtime's f32 rate, by network and precision, on a processor with AMX: bfloat16 and 8-bit products there
# run at 8 and 16 times the rate of float32, with AVX-512 at 2 and 4 times.
EMBEDDING_NEEDS = "AMX"
EMBEDDING = {
    "resnet50": {"bf16": 4, "int8": 8},
    "se_resnet101_ibn": {"bf16": 4, "int8": 6},
    "resnext101_ibn": {"bf16": 3, "int8": 5},
    "resnest101": {"bf16": 3, "int8": 4},
    "b0_224": {"bf16": 2, "int8": 3},
    "b0_512": {"bf16": 2, "int8": 3},
}
# Of the engine-only rate of one core times the cores.
WHOLE_RUN = 0.85
# Times faiss's flat index, by queries at a time; and of the core's memory bandwidth, for one query.
EXACT_SEARCH = {"one": 8, "batch": 8}
BANDWIDTH = 0.6
# Of hnswlib at the same recall: queries a second at least, memory at most.
HNSW_RATE = 1
HNSW_MEMORY = 0.5


def applies(needs, machine):
    """Whether a bar that needs this instruction set counts on the machine."""
    return needs is None or needs in machine["flags"]
