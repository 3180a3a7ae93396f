#include "cairn_train/run/recipe_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "cairn/base/error.h"

namespace cairn::run {
namespace {

using Node = YAML::Node;

template <typename T>
std::optional<T> parse_number(const Node& node) {
  if (!node.IsScalar()) return std::nullopt;
  const std::string& text = node.Scalar();
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A scalar as YAML that reads back as the same text.
std::string show_text(const std::string& text) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << text;
  return out.c_str();
}

template <typename Items, typename Show>
std::string show_list(const Items& items, Show show) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(show(item));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

// A list, or one scalar as a list of one.
std::vector<Node> items_of(const Node& node) {
  if (node.IsNull()) return {};
  if (!node.IsSequence()) return {node};
  return {node.begin(), node.end()};
}

class Table {
 public:
  // Keys added next are (not) part of what makes two runs the same.
  bool shapes_weights = true;

  void whole(const std::string& key, int& target, int low, int high, const std::string& meaning) {
    const std::string allowed = fmt::format("a whole number from {} to {}", low, high);
    add(
        key, meaning + " (" + allowed + ")",
        [&target, low, high, allowed](const Node& node) {
          const auto value = parse_number<int>(node);
          if (!value || *value < low || *value > high) throw Error(allowed);
          target = *value;
        },
        [&target] { return std::to_string(target); });
  }

  void seed(const std::string& key, uint64_t& target, const std::string& meaning) {
    add(
        key, meaning,
        [&target](const Node& node) {
          const auto value = parse_number<uint64_t>(node);
          if (!value) throw Error("a whole number from 0 on");
          target = *value;
        },
        [&target] { return std::to_string(target); });
  }

  void number(const std::string& key, double& target, double low, double high,
              const std::string& meaning) {
    const std::string allowed = fmt::format("a number from {} to {}", low, high);
    add(
        key, meaning + " (" + allowed + ")",
        [&target, low, high, allowed](const Node& node) {
          const auto value = parse_number<double>(node);
          if (!value || !(*value >= low && *value <= high)) throw Error(allowed);
          target = *value;
        },
        [&target] { return fmt::format("{}", target); });
  }

  void flag(const std::string& key, bool& target, const std::string& meaning) {
    add(
        key, meaning + " (true or false)",
        [&target](const Node& node) {
          if (!node.IsScalar() || (node.Scalar() != "true" && node.Scalar() != "false"))
            throw Error("true or false");
          target = node.Scalar() == "true";
        },
        [&target] { return std::string(target ? "true" : "false"); });
  }

  void text(const std::string& key, std::string& target, const std::string& meaning) {
    add(
        key, meaning,
        [&target](const Node& node) {
          if (!node.IsScalar() && !node.IsNull()) throw Error("one text");
          target = node.IsNull() ? "" : node.Scalar();
        },
        [&target] { return show_text(target); });
  }

  void choice(const std::string& key, std::string& target, const std::vector<std::string>& values,
              const std::string& meaning) {
    const std::string allowed = fmt::format("one of {}", fmt::join(values, ", "));
    add(
        key, meaning + " (" + allowed + ")",
        [&target, values, allowed](const Node& node) {
          if (!node.IsScalar() || std::ranges::count(values, node.Scalar()) == 0)
            throw Error(allowed);
          target = node.Scalar();
        },
        [&target] { return target; });
  }

  void texts(const std::string& key, std::vector<std::string>& target, const std::string& meaning) {
    add(
        key, meaning + " (a list)",
        [&target](const Node& node) {
          std::vector<std::string> values;
          for (const Node& item : items_of(node)) {
            if (!item.IsScalar()) throw Error("a list of texts");
            values.push_back(item.Scalar());
          }
          target = values;
        },
        [&target] { return show_list(target, show_text); });
  }

  // One number or three: red, green, blue in 0–255 pixel units. none_allowed: the list may be
  // empty.
  void channels(const std::string& key, std::vector<double>& target, double low, bool none_allowed,
                const std::string& meaning) {
    const std::string allowed = fmt::format("one number or three (RGB), each from {} to 255", low);
    add(
        key, meaning + " (" + allowed + ")",
        [&target, low, none_allowed, allowed](const Node& node) {
          std::vector<double> values;
          for (const Node& item : items_of(node)) {
            const auto value = parse_number<double>(item);
            if (!value || !(*value >= low && *value <= 255)) throw Error(allowed);
            values.push_back(*value);
          }
          const bool right_count =
              values.size() == 1 || values.size() == 3 || (values.empty() && none_allowed);
          if (!right_count) throw Error(allowed);
          target = values;
        },
        [&target] { return show_list(target, [](double v) { return fmt::format("{}", v); }); });
  }

  void range(const std::string& key, std::array<double, 2>& target, double low, double high,
             const std::string& meaning) {
    const std::string allowed =
        fmt::format("[low, high], both from {} to {}, low ≤ high", low, high);
    add(
        key, meaning + " (" + allowed + ")",
        [&target, low, high, allowed](const Node& node) {
          if (!node.IsSequence() || node.size() != 2) throw Error(allowed);
          const auto first = parse_number<double>(node[0]);
          const auto second = parse_number<double>(node[1]);
          if (!first || !second || !(*first >= low && *first <= *second && *second <= high))
            throw Error(allowed);
          target = {*first, *second};
        },
        [&target] { return show_list(target, [](double v) { return fmt::format("{}", v); }); });
  }

  std::vector<RecipeField> take() { return std::move(fields_); }

 private:
  void add(const std::string& key, const std::string& meaning,
           std::function<void(const Node&)> read, std::function<std::string()> show) {
    fields_.push_back({key, meaning, shapes_weights, std::move(read), std::move(show)});
  }

  std::vector<RecipeField> fields_;
};

void add_run(Table& t, Recipe& r) {
  t.shapes_weights = false;
  t.text("out", r.out, "folder of the run: model.onnx, checkpoints, curves.csv");
  t.whole("threads", r.threads, 0, 1024, "0 means all cores");
  t.shapes_weights = true;
  t.whole("size", r.size, 16, 2048, "side of the square photos that the network sees, in pixels");
  t.whole("batch", r.batch, 2, 65536, "photos in a step");
  t.seed("seed", r.seed, "of every random choice");
  t.choice("precision", r.precision, {"f32", "bf16"}, "of convolutions and products");
  t.text("init", r.init, "weights (.safetensors) to start from; empty: random");
  t.choice("export_weights", r.export_weights, {"last", "best"},
           "which weights become model.onnx; best: of the highest validation mAP");
  t.choice("weights", r.weights, {"f32", "f16"}, "how weights.safetensors stores numbers");
  t.channels("mean", r.mean, 0, false, "subtracted from pixels");
  t.channels("std", r.std, 0.001, false, "then divided by");
}

void add_data(Table& t, data::DataOptions& d) {
  t.text("data.root", d.root, "folder in the Google Landmarks v2 layout");
  t.texts("data.photos", d.photos, "folders below root with the table's photos");
  t.text("data.table", d.table,
         "labels below root: train/train.csv or train/train_clean.csv; empty: none");
  t.whole("data.min_photos", d.min_photos, 1, 1000000, "landmarks with fewer are left out");
  t.number("data.validation_fraction", d.validation_fraction, 0, 0.9,
           "of each landmark's photos, kept from training; 0: no validation");
  t.text("data.validation_table", d.validation_table,
         "labels to validate on instead of a fraction");
  t.texts("data.validation_photos", d.validation_photos,
          "folders of the validation table's photos");
  t.whole("data.validation_references", d.validation_references, 1, 10000,
          "training photos a landmark that validation compares with");
  t.texts("data.unlabelled", d.unlabelled, "folders of photos for distillation alone");
  t.texts("data.nonlandmark", d.nonlandmark,
          "folders of photos without a landmark, which the classifier learns to refuse");
  t.shapes_weights = false;
  t.whole("data.cache_mb", d.cache_mb, 0, 1000000, "memory for decoded photos");
  t.shapes_weights = true;
}

void add_model(Table& t, nn::NetOptions& m) {
  t.choice("model.backbone", m.backbone, {"tf_efficientnet_b0", "resnet50", "resnet50_avgdown"},
           "network");
  t.whole("model.last_stride", m.last_stride, 1, 2, "of the last stage, ResNet only");
  t.choice("model.pooling", m.pooling, {"gem", "avg"}, "over the last feature map");
  t.number("model.gem_p", m.gem_p, 0.1, 100, "GeM's exponent at the start");
  t.flag("model.gem_trainable", m.gem_trainable, "whether GeM's exponent is trained");
  t.choice("model.neck", m.neck, {"option-D", "fc-bn", "none"}, "after the pooling");
  t.whole("model.embedding_dim", m.embedding_dim, 2, 16384, "length of an embedding");
}

void add_losses(Table& t, HeadOptions& h, DistillOptions& d) {
  t.choice("head.type", h.type, {"arcface", "subcenter", "none"}, "classifier over the landmarks");
  t.flag("head.imprint", h.imprint, "start the centres at the mean embeddings of the landmarks");
  t.whole("head.centers", h.centers, 1, 100, "centres a landmark, for subcenter");
  t.number("head.scale", h.scale, 0.1, 1000, "s of ArcFace");
  t.number("head.margin", h.margin, 0, 1.5, "m of ArcFace in radians");
  t.flag("head.adaptive", h.adaptive, "margins by landmark size: rare ones get margin_max");
  t.number("head.margin_min", h.margin_min, 0, 1.5, "for the landmark with most photos");
  t.number("head.margin_max", h.margin_max, 0, 1.5, "for the landmark with fewest photos");
  t.range("head.ramp", h.ramp, 0, 1,
          "from which to which share of the run scale and margin grow; [0, 0]: full at once");
  t.number("head.start_scale", h.start_scale, 0.1, 1000,
           "scale before the ramp; the margin is 0 there");
  t.number("head.reject_above", h.reject_above, -1, 1,
           "cosine to a landmark's centre above which a photo of data.nonlandmark is punished");
  t.number("head.weight", h.weight, 0, 1000, "of the head's loss where a teacher is used too");
  t.text("distill.teacher", d.teacher, "ONNX embedder to learn from; empty: none");
  t.whole("distill.size", d.size, 0, 4096, "the teacher's input size; 0: its metadata's");
  t.channels("distill.mean", d.mean, 0, true, "the teacher's; empty: its metadata's");
  t.channels("distill.std", d.std, 0.001, true, "the teacher's; empty: its metadata's");
  t.text("distill.output", d.output, "the teacher's embedding output; empty: its metadata's");
  t.number("distill.weight", d.weight, 0, 1000, "of the whole distillation loss");
  t.number("distill.contrast_weight", d.contrast_weight, 0, 1000,
           "of the contrast in the batch, beside 1 - cosine");
  t.number("distill.temperature", d.temperature, 0.001, 10, "of the contrast");
}

void add_steps(Table& t, OptimiserOptions& o, ScheduleOptions& s) {
  t.choice("optimiser.type", o.type, {"adamw", "sgd"}, "");
  t.number("optimiser.lr", o.lr, 0, 100, "highest learning rate");
  t.number("optimiser.head_lr_factor", o.head_lr_factor, 0, 1000,
           "the head's rate over the network's");
  t.number("optimiser.weight_decay", o.weight_decay, 0, 10, "of matrices and filters");
  t.number("optimiser.momentum", o.momentum, 0, 0.9999, "SGD only");
  t.flag("optimiser.nesterov", o.nesterov, "SGD only");
  t.number("optimiser.clip", o.clip, 0, 1e9, "largest norm of all gradients together; 0: no limit");
  t.whole("schedule.epochs", s.epochs, 0, 100000, "0 only exports the start");
  t.number("schedule.warmup_epochs", s.warmup_epochs, 0, 100000, "of a linearly growing rate");
  t.number("schedule.min_lr", s.min_lr, 0, 100, "at the end of the cosine");
}

void add_augment(Table& t, data::AugmentOptions& a, CheckpointOptions& c) {
  t.range("augment.scale", a.scale, 0.01, 1, "share of the photo's area that a crop keeps");
  t.range("augment.ratio", a.ratio, 0.1, 10, "width over height of a crop");
  t.number("augment.flip", a.flip, 0, 1, "chance of a mirrored photo");
  t.number("augment.brightness", a.brightness, 0, 1, "largest relative change");
  t.number("augment.contrast", a.contrast, 0, 1, "largest relative change");
  t.number("augment.saturation", a.saturation, 0, 1, "largest relative change");
  t.shapes_weights = false;
  t.number("checkpoint.minutes", c.minutes, 0, 100000, "between checkpoints; 0: only each epoch");
  t.whole("checkpoint.steps", c.steps, 0, 1000000000, "between checkpoints; 0: by time alone");
}

}  // namespace

std::vector<RecipeField> recipe_fields(Recipe& recipe) {
  Table table;
  add_run(table, recipe);
  add_data(table, recipe.data);
  add_model(table, recipe.model);
  add_losses(table, recipe.head, recipe.distill);
  add_steps(table, recipe.optimiser, recipe.schedule);
  add_augment(table, recipe.augment, recipe.checkpoint);
  return table.take();
}

}  // namespace cairn::run
