// What `--images` names: a folder of photos, or a table of them.
#pragma once

#include <filesystem>
#include <vector>

#include "cairn/dataset/photos.h"

namespace cairn::embed {

// A folder: all photos below it (dataset::find_photos). A .csv file with a header, one photo a row:
//   column path      the photo's file, relative to root, or to the table's folder where root is
//                    empty; the column id names it, or the file name without the ending
//   column id alone  the photo of that id below root (tables of the Google Landmarks v2 layout)
// A row that repeats an earlier photo is dropped.
// Photos that are not on disk are in the list; embedding skips them with a reason. Throws Error
// where images is neither, holds no photos, or the table has neither column.
std::vector<dataset::Photo> read_photo_list(const std::filesystem::path& images,
                                            const std::filesystem::path& root);

}  // namespace cairn::embed
