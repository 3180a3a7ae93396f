// TensorBoard event files: what its dashboards plot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

namespace cairn::run {

class EventWriter {
 public:
  // Starts a new file events.out.tfevents.SECONDS.cairn in the folder, which is made. step: where
  // the run goes on; TensorBoard then drops what earlier files say of later steps. Throws Error.
  EventWriter(const std::filesystem::path& folder, int64_t step);

  void scalar(const std::string& tag, int64_t step, double value);
  // png: the bytes of an encoded image.
  void image(const std::string& tag, int64_t step, int width, int height,
             std::span<const uint8_t> png);
  // Throws Error where the disk is full.
  void flush();

 private:
  void write_event(int64_t step, const std::string& fields);

  std::filesystem::path file_;
  std::ofstream out_;
};

// CRC-32C (Castagnoli) of the bytes, as TFRecord files need it.
uint32_t crc32c(std::string_view bytes);

}  // namespace cairn::run
