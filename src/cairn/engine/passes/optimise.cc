#include "cairn/engine/passes/passes.h"

namespace cairn::engine {

void optimise(Graph& graph) {
  remove_identities(graph);
  fold_constants(graph);
  fold_pads(graph);
  fold_affine(graph);
  fuse_post_ops(graph);
  remove_dead(graph);
}

}  // namespace cairn::engine
