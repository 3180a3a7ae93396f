#include "cairn_train/run/validation.h"

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/run/forward.h"

namespace cairn::run {
namespace {

struct Embedded {
  LabelledEmbeddings rows;
  double loss = 0;  // mean over the photos
};

// objective: null where no loss is wanted.
Embedded embed(nn::EmbeddingNet& net, Objective* objective, const std::vector<size_t>& photos,
               const data::TrainingSet& set, data::PhotoStore& store,
               const data::LoaderOptions& options, size_t batch_size) {
  data::LoaderOptions plain = options;
  plain.view.reset();
  data::Loader loader(store, plain, data::ordered_batches(photos, batch_size));
  Embedded result;
  std::vector<torch::Tensor> parts;
  data::Batch batch;
  while (loader.next(batch)) {
    if (batch.photos.empty()) continue;
    const auto count = static_cast<int64_t>(batch.photos.size());
    const torch::Tensor images =
        torch::from_blob(batch.pixels.data(), {count, 3, options.size, options.size});
    const torch::Tensor embeddings = forward(net, images, "f32");
    if (objective != nullptr) {
      const auto loss =
          objective->loss(embeddings, {batch.photos, std::nullopt, {}, 1}).item<double>();
      result.loss += loss * static_cast<double>(count);
    }
    parts.push_back(loss::normalize_rows(embeddings).cpu());
    for (const size_t photo : batch.photos) {
      result.rows.photos.push_back(photo);
      result.rows.landmarks.push_back(set.samples[photo].landmark);
    }
  }
  result.loss /= static_cast<double>(std::max<size_t>(1, result.rows.photos.size()));
  result.rows.embeddings =
      parts.empty() ? torch::zeros({0, net.embedding_dim()}) : torch::cat(parts);
  return result;
}

}  // namespace

ValidationResult validate(nn::EmbeddingNet& net, Objective& objective, const data::TrainingSet& set,
                          data::PhotoStore& store, const data::LoaderOptions& loader,
                          size_t batch) {
  const torch::NoGradGuard no_grad;
  net.eval();
  const Embedded queries = embed(net, &objective, set.validation, set, store, loader, batch);
  ValidationResult result;
  result.loss = queries.loss;
  if (set.references.empty()) {
    result.scores = score_embeddings(queries.rows, queries.rows);
  } else {
    const Embedded references = embed(net, nullptr, set.references, set, store, loader, batch);
    result.scores = score_embeddings(queries.rows, references.rows);
  }
  net.train();
  return result;
}

torch::Tensor class_means(nn::EmbeddingNet& net, const data::TrainingSet& set,
                          data::PhotoStore& store, const data::LoaderOptions& loader,
                          size_t batch) {
  const torch::NoGradGuard no_grad;
  net.eval();
  const Embedded embedded = embed(net, nullptr, set.train, set, store, loader, batch);
  net.train();
  std::vector<int64_t> classes;
  for (const size_t photo : embedded.rows.photos) classes.push_back(set.samples[photo].class_index);
  const auto count = static_cast<int64_t>(set.landmark_of_class.size());
  torch::Tensor sums = torch::zeros({count, net.embedding_dim()});
  sums.index_add_(0, torch::tensor(classes, torch::kLong), embedded.rows.embeddings);
  return loss::normalize_rows(sums);
}

}  // namespace cairn::run
