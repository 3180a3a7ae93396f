#include "cairn/engine/annotate.h"

#include <onnx/onnx_pb.h>

#include <climits>
#include <set>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/files.h"

namespace cairn::engine {

void annotate_model(const fs::path& model, const fs::path& out,
                    const std::map<std::string, std::string>& metadata) {
  const std::vector<uint8_t> bytes = read_file(model);
  onnx::ModelProto proto;
  if (bytes.size() > INT_MAX ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !proto.has_graph()) {
    throw Error(model.string() + ": not an ONNX model");
  }
  std::set<std::string> present;
  for (onnx::StringStringEntryProto& entry : *proto.mutable_metadata_props()) {
    const auto found = metadata.find(entry.key());
    if (found == metadata.end()) continue;
    entry.set_value(found->second);
    present.insert(entry.key());
  }
  for (const auto& [key, value] : metadata) {
    if (present.contains(key)) continue;
    onnx::StringStringEntryProto* entry = proto.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  std::string text;
  if (!proto.SerializeToString(&text)) throw Error(out.string() + ": the model is too large");
  write_text_atomically(out, text);
}

}  // namespace cairn::engine
