// A pass over an ONNX graph that is being written.
#pragma once

namespace onnx {
class GraphProto;
}

namespace cairn::nn {

// See OnnxWriter::fold_batch_norms(). Weights are float32 in raw_data, as OnnxWriter writes them.
void fold_batch_norms(onnx::GraphProto& graph);

}  // namespace cairn::nn
