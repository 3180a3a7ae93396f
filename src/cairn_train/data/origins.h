// What tables say of a photo beside its landmark: whether the label is noisy, and on which
// continent it stands.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cairn_train/data/training_set.h"

namespace cairn::data {

// Whether the table is a list of `cairn lists`, by its columns. Throws Error where it cannot be
// read.
bool is_list(const std::filesystem::path& table);

// The photos of a list that are on disk, paths below root; the ids of the others are added to
// missing_ids. Throws Error with file and line on a malformed row, or where no photo is there.
std::vector<Sample> listed(const std::filesystem::path& root, const std::filesystem::path& list,
                           std::vector<std::string>& missing_ids);

// Marks as noisy what options.clean_table lacks (or has under another landmark), and finds the
// continents by the country files of options.country and the categories of the root's train part.
// An empty option changes nothing. Throws Error where the files are missing or malformed.
void add_origins(const DataOptions& options, std::vector<Sample>& photos);

// Position in kContinents; OTHER for names that it lacks, -1 for none.
int continent_index(const std::string& name);

}  // namespace cairn::data
