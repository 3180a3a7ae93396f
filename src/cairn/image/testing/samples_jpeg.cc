#include <cstdlib>

#include "cairn/image/libjpeg.h"
#include "cairn/image/testing/samples.h"

namespace cairn::image::testing {
namespace {

// The components of a row as libjpeg takes them: 1 (grey), 3 or 4 (with some black).
std::vector<uint8_t> input_row(const Image& photo, int y, int components) {
  std::vector<uint8_t> row;
  for (int x = 0; x < photo.width; ++x) {
    const uint8_t* rgb = &photo.pixels[offset(photo, x, y)];
    row.insert(row.end(), rgb, rgb + (components == 1 ? 1 : 3));
    if (components == 4) row.push_back(static_cast<uint8_t>(255 - (x * 3 + y) % 200));
  }
  return row;
}

void set_colours(jpeg_compress_struct& info, const JpegVariety& variety) {
  const bool grey = variety.colour == JpegColour::kGrey;
  const bool cmyk = variety.colour == JpegColour::kCmyk || variety.colour == JpegColour::kYcck;
  info.input_components = grey ? 1 : cmyk ? 4 : 3;
  info.in_color_space = grey ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  if (variety.colour == JpegColour::kYcck) jpeg_set_colorspace(&info, JCS_YCCK);
  if (variety.colour == JpegColour::kRgb) jpeg_set_colorspace(&info, JCS_RGB);
  if (variety.colour == JpegColour::kYcc || variety.colour == JpegColour::kYcck) {
    info.comp_info[0].h_samp_factor = variety.horizontal_sampling;
    info.comp_info[0].v_samp_factor = variety.vertical_sampling;
    if (cmyk) {
      info.comp_info[3].h_samp_factor = variety.horizontal_sampling;
      info.comp_info[3].v_samp_factor = variety.vertical_sampling;
    }
  }
}

}  // namespace

std::vector<uint8_t> write_jpeg(const Image& photo, const JpegVariety& variety) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(photo.width);
  info.image_height = static_cast<JDIMENSION>(photo.height);
  set_colours(info, variety);
  jpeg_set_quality(&info, variety.quality, TRUE);
  info.restart_in_rows = variety.restart_rows;
  info.arith_code = variety.arithmetic ? TRUE : FALSE;
  std::vector<jpeg_scan_info> scans;
  if (variety.progressive) jpeg_simple_progression(&info);
  if (variety.separate_scans) {
    scans.reserve(static_cast<size_t>(info.num_components));
    for (int c = 0; c < info.num_components; ++c) scans.push_back({1, {c}, 0, 63, 0, 0});
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  }
  jpeg_start_compress(&info, TRUE);
  if (variety.orientation != 0) {
    std::vector<uint8_t> marker = {'E', 'x', 'i', 'f', 0, 0};
    const auto block = exif_block(variety.orientation, variety.orientation % 2 == 0);
    marker.insert(marker.end(), block.begin(), block.end());
    jpeg_write_marker(&info, JPEG_APP0 + 1, marker.data(),
                      static_cast<unsigned int>(marker.size()));
  }
  for (int y = 0; y < photo.height; ++y) {
    std::vector<uint8_t> row = input_row(photo, y, info.input_components);
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  std::vector<uint8_t> result(bytes, bytes + size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return result;
}

}  // namespace cairn::image::testing
