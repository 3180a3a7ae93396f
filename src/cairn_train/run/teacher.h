// What a student network is to say of each photo, as its teacher sees it.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <vector>

#include "cairn_train/data/photo_store.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

struct TeacherTargets {
  torch::Tensor rows;        // photos × dim, rows of length 1; zeros where the photo is unreadable
  std::vector<bool> usable;  // by photo
};

// The teacher's input size, before its photos are stored for it. Throws Error where neither the
// options nor the file say it.
int teacher_size(const DistillOptions& options);

// Embeds all photos of the store by the teacher (once: the result is kept in `folder` under a name
// made of the teacher's checksum, the options and the photos), subtracts the mean, and projects to
// the `dim` principal axes, which keep cosines as well as dim numbers can. `paths` are the store's.
// Throws Error where the teacher cannot be read or its embeddings are shorter than dim.
TeacherTargets teacher_targets(const DistillOptions& options,
                               const std::vector<std::filesystem::path>& paths,
                               data::PhotoStore& store, int dim, int threads,
                               const std::filesystem::path& folder);

}  // namespace cairn::run
