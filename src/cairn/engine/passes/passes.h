// What is done to a graph when it is loaded. Each pass keeps the results of the graph the same, up
// to rounding.
#pragma once

#include "cairn/engine/graph.h"

namespace cairn::engine {

// All of the following, in the order that lets each help the next.
void optimise(Graph& graph);

// Identity, Dropout at inference, and Concat, Sum, Max, Min and Mean of one input vanish.
void remove_identities(Graph& graph);

// Nodes whose inputs are all constants are computed now (up to a few million elements).
void fold_constants(Graph& graph);

// Pad with zeros before a Conv becomes the Conv's own padding.
void fold_pads(Graph& graph);

// BatchNormalization, and Mul, Add, Sub and Div by constants per channel, after a Conv or Gemm with
// constant weights go into the weights and the bias.
void fold_affine(Graph& graph);

// Activations and residual additions after a Conv or Gemm with constant float32 weights become its
// post-operations, and so does QuantizeLinear after a Conv. So do the same after a Mul by a gate (a
// Conv or Gemm that ends with a sigmoid). x * Sigmoid(x) is SiLU, x *
// HardSigmoid(x) with the slope 1/6 is HardSwish.
void fuse_post_ops(Graph& graph);

// Nodes and constants that no output needs vanish.
void remove_dead(Graph& graph);

}  // namespace cairn::engine
