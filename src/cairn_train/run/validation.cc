#include "cairn_train/run/validation.h"

#include "cairn_train/loss/cosine_head.h"
#include "cairn_train/run/forward.h"

namespace cairn::run {
namespace {

struct Embedded {
  LabelledEmbeddings rows;
  double loss = 0;  // mean over the photos
};

// Those of every rank, rank 0's first.
std::vector<size_t> all_photos(const std::vector<size_t>& own, const Ranks& ranks) {
  if (ranks.alone()) return own;
  const std::vector<int64_t> numbers(own.begin(), own.end());
  const torch::Tensor all = torch::cat(ranks.gather_rows(torch::tensor(numbers, torch::kLong)));
  const int64_t* const begin = all.data_ptr<int64_t>();
  return {begin, begin + all.numel()};
}

// objective: null where no loss is wanted.
Embedded embed(nn::EmbeddingNet& net, Objective* objective, const std::vector<size_t>& photos,
               const data::TrainingSet& set, data::PhotoStore& store,
               const data::LoaderOptions& options, size_t batch_size, const Ranks& ranks) {
  data::LoaderOptions plain = options;
  plain.view.reset();
  plain.part = ranks.rank();
  plain.parts = ranks.world();
  data::Loader loader(store, plain, data::ordered_batches(photos, batch_size));
  Embedded result;
  std::vector<torch::Tensor> parts;
  data::Batch batch;
  while (loader.next(batch)) {
    const std::vector<size_t> photos_of_all = all_photos(batch.photos, ranks);
    if (photos_of_all.empty()) continue;
    const auto count = static_cast<int64_t>(batch.photos.size());
    const torch::Tensor images =
        torch::from_blob(batch.pixels.data(), {count, 3, options.size, options.size});
    const torch::Tensor embeddings =
        count > 0 ? forward(net, images, "f32")
                  : torch::zeros({0, net.embedding_dim()}, net.parameters().front().options());
    if (objective != nullptr) {
      const auto loss =
          objective->loss(embeddings, {batch.photos, std::nullopt, {}, 1}).item<double>();
      result.loss += loss * static_cast<double>(photos_of_all.size());
    }
    parts.push_back(
        torch::cat(ranks.gather_rows(loss::normalize_rows(embeddings).cpu().contiguous())));
    for (const size_t photo : photos_of_all) {
      result.rows.photos.push_back(photo);
      result.rows.landmarks.push_back(set.samples[photo].landmark);
    }
  }
  result.loss = ranks.sum(result.loss);
  result.loss /= static_cast<double>(std::max<size_t>(1, result.rows.photos.size()));
  result.rows.embeddings =
      parts.empty() ? torch::zeros({0, net.embedding_dim()}) : torch::cat(parts);
  return result;
}

}  // namespace

double score_of(const ValidationResult& result, const std::string& by) {
  if (by == "gap") return result.scores.gap;
  if (by == "top1") return result.scores.top1;
  return by == "loss" ? -result.loss : result.scores.map;
}

ValidationResult validate(nn::EmbeddingNet& net, Objective& objective, const data::TrainingSet& set,
                          data::PhotoStore& store, const data::LoaderOptions& loader, size_t batch,
                          const Ranks& ranks) {
  const torch::NoGradGuard no_grad;
  net.eval();
  const Embedded queries = embed(net, &objective, set.validation, set, store, loader, batch, ranks);
  ValidationResult result;
  result.loss = queries.loss;
  const Embedded references = set.references.empty() ? Embedded()
                                                     : embed(net, nullptr, set.references, set,
                                                             store, loader, batch, ranks);
  if (ranks.first())
    result.scores =
        score_embeddings(queries.rows, set.references.empty() ? queries.rows : references.rows);
  net.train();
  if (ranks.alone()) return result;
  torch::Tensor numbers = torch::tensor(
      {result.loss, result.scores.top1, result.scores.gap, result.scores.map}, torch::kFloat64);
  ranks.from_first(numbers);
  const double* const number = numbers.data_ptr<double>();
  return {number[0], {number[1], number[2], number[3]}};
}

torch::Tensor class_means(nn::EmbeddingNet& net, const data::TrainingSet& set,
                          data::PhotoStore& store, const data::LoaderOptions& loader, size_t batch,
                          const Ranks& ranks) {
  const torch::NoGradGuard no_grad;
  net.eval();
  const Embedded embedded = embed(net, nullptr, set.train, set, store, loader, batch, ranks);
  net.train();
  std::vector<int64_t> classes;
  for (const size_t photo : embedded.rows.photos) classes.push_back(set.samples[photo].class_index);
  const auto count = static_cast<int64_t>(set.landmark_of_class.size());
  torch::Tensor sums = torch::zeros({count, net.embedding_dim()});
  sums.index_add_(0, torch::tensor(classes, torch::kLong), embedded.rows.embeddings);
  return loss::normalize_rows(sums);
}

}  // namespace cairn::run
