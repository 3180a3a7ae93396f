// From a recipe's head keys to the classifier and its losses.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/loss/margin_head.h"
#include "cairn_train/run/recipe.h"

namespace cairn::run {

// The centres of `classes` landmarks: all of them, or the slice that a split head has here.
std::shared_ptr<loss::CosineHead> make_classifier(const HeadOptions& head, int64_t embedding_dim,
                                                  int64_t classes, const Slice& here);

// The margins for the classes from `begin` to `end`. photos_of_class: of all classes.
std::unique_ptr<loss::MarginHead> make_margin_head(const HeadOptions& head,
                                                   const std::vector<int64_t>& photos_of_class,
                                                   size_t begin, size_t end);

loss::ClassLossOptions class_loss_options(const HeadOptions& head);

// What similarities are multiplied by to become logits, without any margin.
double full_scale(const HeadOptions& head);

// Scale and margin at a progress from 0 to 1.
loss::MarginState margin_state(const HeadOptions& head, double progress);

// A weight for each class's photos, of mean 1.
std::vector<float> class_weights(const HeadOptions& head,
                                 const std::vector<int64_t>& photos_of_class);

// Throws Error ("FILE: …") for keys that exclude each other.
void require_possible_head(const Recipe& recipe, const std::string& file);

}  // namespace cairn::run
