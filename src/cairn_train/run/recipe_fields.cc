#include "cairn_train/run/recipe_fields.h"

#include <fmt/format.h>

#include <cctype>

#include "cairn_train/nn/backbones/backbone.h"
#include "cairn_train/run/recipe_table.h"

namespace cairn::run {
namespace {

void add_run(RecipeTable& t, Recipe& r) {
  t.shapes_weights = false;
  t.text("out", r.out, "folder of the run: model.onnx, checkpoints, curves.csv");
  t.whole("threads", r.threads, 0, 1024, "0 means all cores");
  t.choice("device", r.device, {"auto", "cpu", "cuda"}, "auto: cuda where there is one");
  t.shapes_weights = true;
  t.whole("size", r.size, 16, 2048, "side of the square photos that the network sees, in pixels");
  t.whole("inference_size", r.inference_size, 0, 4096,
          "the same for validation and model.onnx; 0: size");
  t.whole("batch", r.batch, 2, 65536, "photos in a batch");
  t.whole("accumulate", r.accumulate, 1, 1024, "batches whose gradients make one step");
  t.seed("seed", r.seed, "of every random choice");
  t.choice("precision", r.precision, {"f32", "bf16", "f16"},
           "of convolutions and products; f16 needs cuda");
  t.number(
      "ema", r.ema, 0, 0.999999,
      "how much of the averaged weights a step keeps; they are validated and exported; 0: off");
  t.text("init", r.init, "weights (.safetensors, .pth) to start from; empty: random");
  t.choice("export_weights", r.export_weights, {"last", "best"},
           "which weights become model.onnx; best: by the validation score best_by");
  t.choice("best_by", r.best_by, {"map", "gap", "top1", "loss"},
           "what best.safetensors and early_stop go by");
  t.whole("early_stop.patience", r.early_stop.patience, 0, 100000,
          "epochs without a better score after which the run ends; 0: never");
  t.choice("weights", r.weights, {"f32", "f16"}, "how weights.safetensors stores numbers");
  t.channels("mean", r.mean, 0, false, "subtracted from pixels");
  t.channels("std", r.std, 0.001, false, "then divided by");
}

void add_data(RecipeTable& t, data::DataOptions& d) {
  t.text("data.root", d.root, "folder in the Google Landmarks v2 layout");
  t.texts("data.photos", d.photos, "folders below root with the table's photos");
  t.text("data.table", d.table,
         "labels below root: train/train.csv or train/train_clean.csv; empty: none");
  t.text("data.clean_table", d.clean_table,
         "labels below root that were confirmed (train/train_clean.csv); other photos count as "
         "noisy; empty: all are clean. Lists of `cairn lists` say so themselves");
  t.text("data.country", d.country,
         "folder below root with the country files, for sampler.type continent; empty: none, or "
         "as the list says");
  t.whole("data.min_photos", d.min_photos, 1, 1000000, "landmarks with fewer are left out");
  t.number("data.validation_fraction", d.validation_fraction, 0, 0.9,
           "of each landmark's photos, kept from training; 0: no validation");
  t.text("data.validation_table", d.validation_table,
         "labels to validate on instead of a fraction");
  t.texts("data.validation_photos", d.validation_photos,
          "folders of the validation table's photos");
  t.whole("data.validation_references", d.validation_references, 1, 10000,
          "training photos a landmark that validation compares with");
  t.choice("data.oversample", d.oversample, {"none", "value", "largest", "landmark"},
           "repeats photos of small landmarks up to: data.oversample_to photos, the largest "
           "landmark, or data.oversample_landmark");
  t.whole("data.oversample_to", d.oversample_to, 1, 1000000, "photos, for oversample: value");
  t.id("data.oversample_landmark", d.oversample_landmark, "id, for oversample: landmark");
  t.flag("data.downsample", d.downsample, "also draws no more photos of larger landmarks");
  t.whole("data.folds", d.folds, 0, 1000, "cross-validation in so many parts; 0: a fraction");
  t.whole("data.fold", d.fold, 0, 999, "which of them is for validation");
  t.whole("data.debug_landmarks", d.debug_landmarks, 0, 1000000,
          "only the landmarks with most photos, for a quick try; 0: all");
  t.texts("data.unlabelled", d.unlabelled, "folders of photos for distillation alone");
  t.texts("data.nonlandmark", d.nonlandmark,
          "folders of photos without a landmark, which the classifier learns to refuse");
  t.shapes_weights = false;
  t.whole("data.cache_mb", d.cache_mb, 0, 1000000, "memory for decoded photos");
  t.shapes_weights = true;
}

void add_sampler(RecipeTable& t, data::SamplerOptions& s) {
  t.choice("sampler.type", s.type, {"shuffle", "identity", "image", "continent"},
           "what makes a batch. identity: P landmarks with K photos each, every landmark once an "
           "epoch; image: P groups of K photos of one landmark, every photo about once; "
           "continent: by shares of the continents, and clean photos among the noisy");
  t.whole("sampler.photos_per_identity", s.photos_per_identity, 1, 4096,
          "K of identity and image; batch must be a multiple");
  t.whole("sampler.epoch_photos", s.epoch_photos, 0, 2000000000,
          "in an epoch of identity or continent; 0: every landmark once, or as many as there are");
  t.number("sampler.clean_share", s.clean_share, 0, 1,
           "continent: of a continent's photos, those that are clean");
  for (size_t c = 0; c < s.continents.size(); ++c) {
    std::string name = data::kContinents[c];
    for (char& letter : name)
      letter = letter == ' ' ? '_' : static_cast<char>(std::tolower(letter));
    t.number("sampler.continents." + name, s.continents[c], 0, 1, "share of an epoch's photos");
  }
}

void add_model(RecipeTable& t, nn::NetOptions& m, bool& freeze_batch_norms) {
  t.choice("model.backbone", m.backbone, nn::backbone_names(), "network");
  t.whole("model.last_stride", m.last_stride, 1, 2,
          "of the last stage that halves the map; 1: maps twice as large");
  t.whole("model.frozen_stages", m.frozen_stages, -1, 7,
          "stages after the stem that are not trained; 0: the stem alone; -1: none");
  t.choice("model.pooling", m.pooling, {"gem", "avg", "avgmax"},
           "over the last feature map; avgmax: mean + maximum");
  t.number("model.gem_p", m.gem_p, 0.1, 100, "GeM's exponent at the start");
  t.flag("model.freeze_batch_norms", freeze_batch_norms,
         "whether they keep the statistics that they start with");
  t.flag("model.gem_trainable", m.gem_trainable, "whether GeM's exponent is trained");
  t.choice("model.neck", m.neck, {"option-D", "fc-bn", "bn", "none"},
           "after the pooling: linear, batch norm and PReLU; linear without bias and batch norm; "
           "batch norm alone; nothing");
  t.flag("model.neck_bias", m.neck_bias,
         "whether the neck's batch norm trains its bias; false: it stays 0, as in Re-ID");
  t.whole("model.embedding_dim", m.embedding_dim, 2, 16384,
          "length of an embedding; necks bn and none: the backbone's channels instead");
  t.choice("model.key_style", m.key_style, {"vt", "wz"},
           "names of the weights: backbone.net.*, neck.* or base.*, fcneck.*");
}

void add_losses(RecipeTable& t, HeadOptions& h, TripletOptions& tri, CenterOptions& c,
                DistillOptions& d) {
  t.choice("head.type", h.type,
           {"arcface", "subcenter", "cosface", "amsoftmax", "circle", "cosine", "softmax", "none"},
           "classifier over the landmarks; cosine: no margin; softmax: linear");
  t.flag("head.imprint", h.imprint, "start the centres at the mean embeddings of the landmarks");
  t.flag("head.carry_over", h.carry_over,
         "start the centres of landmarks that the classifier in init knows at its own (by landmark "
         "id; without cairn.labels, by place)");
  t.whole("head.centers", h.centers, 1, 100, "centres a landmark, for subcenter");
  t.number("head.scale", h.scale, 0.1, 1000, "s of all but softmax; for circle try 256");
  t.number("head.margin", h.margin, 0, 1.5,
           "m: radians for arcface and subcenter, cosines for the others; for circle try 0.25");
  t.flag("head.easy_margin", h.easy_margin, "arcface: the margin only where the cosine is above 0");
  t.flag("head.adaptive", h.adaptive, "margins by landmark size: rare ones get margin_max");
  t.number("head.margin_min", h.margin_min, 0, 1.5, "for the landmark with most photos");
  t.number("head.margin_max", h.margin_max, 0, 1.5, "for the landmark with fewest photos");
  t.range("head.ramp", h.ramp, 0, 1,
          "from which to which share of the run scale and margin grow; [0, 0]: full at once");
  t.number("head.start_scale", h.start_scale, 0.1, 1000,
           "scale before the ramp; the margin is 0 there");
  t.number("head.reject_above", h.reject_above, -1, 1,
           "cosine to a landmark's centre above which a photo of data.nonlandmark is punished");
  t.number("head.label_smoothing", h.label_smoothing, 0, 1,
           "arcface: share of the margin that all landmarks have alike");
  t.number("head.target_smoothing", h.target_smoothing, 0, 1,
           "share of a photo's label that all landmarks have alike (label smoothing)");
  t.number("head.focal_gamma", h.focal_gamma, 0, 20,
           "of the focal loss, which passes over photos that are sure; 0: cross entropy");
  t.choice("head.class_weights", h.class_weights, {"none", "log"},
           "of a photo's loss; log: 1 / log(1 + the landmark's photos)");
  t.choice("head.class_weights_norm", h.class_weights_norm, {"batch", "global"},
           "what they are divided by: their sum in the batch, or their mean over the landmarks");
  t.number("head.weight", h.weight, 0, 1000, "of the head's loss beside other losses");
  t.shapes_weights = false;
  t.flag("head.split", h.split,
         "several processes: each has a part of the landmarks' centres, with the same result");
  t.shapes_weights = true;
  const std::vector<std::string> features = {"before_bn", "embedding"};
  const std::string of_features = "of which features: before the neck's batch norm, or after";
  t.number("triplet.weight", tri.weight, 0, 1000,
           "of the triplet loss with the hardest pairs of a batch; 0: none");
  t.number("triplet.margin", tri.margin, 0, 100, "0: soft");
  t.number("triplet.hard_factor", tri.hard_factor, 0, 1,
           "share by which positives count as farther and negatives as nearer");
  t.flag("triplet.normalise", tri.normalise, "features to length 1 first");
  t.choice("triplet.features", tri.features, features, of_features);
  t.number("center.weight", c.weight, 0, 1000, "of the centre loss; 0: none");
  t.number("center.lr", c.lr, 1e-9, 100, "of the centres, whatever the schedule");
  t.choice("center.features", c.features, features, of_features);
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

void add_knowledge(RecipeTable& t, KnowledgeOptions& k) {
  t.text("knowledge.teacher", k.teacher,
         "weights.safetensors of a run on the same landmarks, whose answers to learn; empty: none");
  t.number("knowledge.lambda", k.lambda, 0, 1, "share of the head's own loss");
  t.number("knowledge.temperature", k.temperature, 0.01, 1000, "of both networks' answers");
}

void add_optimiser(RecipeTable& t, optim::OptimiserOptions& o) {
  t.choice("optimiser.type", o.type, {"adamw", "adam", "sgd", "ranger"}, "");
  t.number("optimiser.lr", o.lr, 0, 100, "highest learning rate");
  t.number("optimiser.head_lr_factor", o.head_lr_factor, 0, 1000,
           "the head's rate over the network's");
  t.number("optimiser.weight_decay", o.weight_decay, 0, 10, "of matrices and filters");
  t.flag("optimiser.decay_vectors", o.decay_vectors, "weight_decay for biases and norms too");
  t.number("optimiser.bias_lr_factor", o.bias_lr_factor, 0, 1000,
           "the rate of the network's biases over that of its other weights");
  t.number("optimiser.bias_weight_decay", o.bias_weight_decay, -1, 10,
           "of the same; -1: as decay_vectors says");
  t.number("optimiser.beta1", o.beta1, 0, 0.99999, "of the first moment; 0: 0.9, with ranger 0.95");
  t.number("optimiser.beta2", o.beta2, 0, 0.999999, "of the second moment");
  t.number("optimiser.epsilon", o.epsilon, 0, 1, "0: 1e-8, with ranger 1e-5");
  t.choice("optimiser.centralise", o.centralise, {"all", "filters", "off"},
           "ranger: whose gradients lose their mean");
  t.whole("optimiser.lookahead_steps", o.lookahead_steps, 1, 1000000,
          "ranger: steps between moves of the slow weights");
  t.number("optimiser.lookahead_share", o.lookahead_share, 0, 1, "ranger: how far they move");
  t.number("optimiser.momentum", o.momentum, 0, 0.9999, "SGD only");
  t.flag("optimiser.nesterov", o.nesterov, "SGD only");
  t.number("optimiser.clip", o.clip, 0, 1e9, "largest norm of all gradients together; 0: no limit");
}

void add_schedule(RecipeTable& t, ScheduleOptions& s) {
  t.whole("schedule.epochs", s.epochs, 0, 100000,
          "of a recipe without stages; 0 only exports the start");
  t.choice("schedule.type", s.type, {"cosine", "constant", "multistep", "vt", "wz"},
           "after the warm-up; vt and wz: the references' sequences with their quirks");
  t.choice("schedule.by", s.by, {"step", "epoch"}, "when the rate changes");
  t.number("schedule.warmup_epochs", s.warmup_epochs, 0, 100000, "of a linearly growing rate");
  t.number("schedule.cosine_epochs", s.cosine_epochs, 0, 100000,
           "from the end of the warm-up down to min_lr; 0: to the end of the run");
  t.number("schedule.min_lr", s.min_lr, 0, 100, "at the end of the cosine");
  t.ascending("schedule.milestones", s.milestones, 0, 100000,
              "multistep: after how many epochs the rate is multiplied by gamma, as [4, 8]");
  t.number("schedule.gamma", s.gamma, 0, 1, "multistep");
  t.number("schedule.warmup_factor", s.warmup_factor, 0, 1,
           "multistep and wz: the first rate of the warm-up over optimiser.lr");
  t.choice("schedule.warmup", s.warmup, {"linear", "constant"},
           "multistep: a rate that grows, or warmup_factor until the warm-up ends");
  t.number("schedule.multiplier", s.multiplier, 1, 1000,
           "vt alone: optimiser.lr over the rate that its warm-up starts from");
}

void add_stages(RecipeTable& t, std::vector<StageOptions>& stages) {
  for (size_t i = 0; i < stages.size(); ++i) {
    StageOptions& s = stages[i];
    const std::string key = fmt::format("stages.{}.", i);
    t.text(key + "name", s.name, "for people");
    t.whole(key + "epochs", s.epochs, 1, 100000, "");
    t.whole(key + "size", s.size, 0, 2048, "side of the network's input; 0: size");
    t.whole(key + "resize", s.resize, 0, 4096,
            "side that photos are squeezed to before a random crop; 0: size");
    t.choices(key + "transforms", s.transforms,
              {"resize", "random_crop", "random_resized_crop", "pad_crop", "detection_crop",
               "perspective", "affine", "detection_colour", "augmix", "patch", "flip", "colour",
               "erasing", "dropout"},
              "of a photo, in this order");
    t.choices(key + "mixes", s.mixes, {"cutmix", "mixup", "fmix"}, "of the photos of a batch");
  }
}

void add_augment(RecipeTable& t, data::AugmentOptions& a, data::MixOptions& m) {
  t.range("augment.scale", a.scale, 0.01, 1, "share of the photo's area that a crop keeps");
  t.range("augment.ratio", a.ratio, 0.1, 10, "width over height of a crop");
  t.number("augment.flip", a.flip, 0, 1, "chance of a mirrored photo");
  t.number("augment.brightness", a.brightness, 0, 1, "largest relative change");
  t.number("augment.contrast", a.contrast, 0, 1, "largest relative change");
  t.number("augment.saturation", a.saturation, 0, 1, "largest relative change");
  t.number("augment.dropout", a.dropout, 0, 1, "chance of a blank square");
  t.range("augment.dropout_side", a.dropout_side, 0.01, 1, "its side, as a share of the input's");
  t.number("augment.hue", a.hue, 0, 180, "colour: largest turn in degrees");
  t.whole("augment.pad", a.pad, 0, 1024,
          "pad_crop: black pixels on all sides, before a window of the input's size is cut");
  t.number("augment.detection_crop", a.detection_crop, 0, 1, "chance of one, else the whole photo");
  t.range("augment.detection_overlap", a.detection_overlap, 0, 1,
          "detection_crop: least intersection over union with the middle half of the photo");
  t.number("augment.perspective", a.perspective, 0, 1, "chance");
  t.number("augment.perspective_share", a.perspective_share, 0, 0.9,
           "how far corners move inwards: up to half of this share of the sides");
  t.number("augment.affine", a.affine.chance, 0, 1, "chance");
  t.number("augment.affine_degrees", a.affine.degrees, 0, 180, "largest turn to either side");
  t.number("augment.affine_shift", a.affine.shift, 0, 1, "largest, as a share of the sides");
  t.range("augment.affine_zoom", a.affine.zoom, 0.1, 10, "");
  t.number("augment.affine_shear", a.affine.shear, 0, 80, "largest angle in degrees");
  t.number("augment.detection_colour", a.detection_colour, 0, 1, "chance");
  t.number(
      "augment.detection_strength", a.detection_strength, 0, 2,
      "detection_colour: 1: brightness by 32 levels, contrast and saturation by a half, hue by "
      "18 degrees, channels exchanged");
  t.number("augment.augmix", a.augmix_chance, 0, 1, "chance");
  t.number("augment.augmix_severity", a.augmix.severity, 0, 10, "how strong each change is");
  t.whole("augment.augmix_depth", a.augmix.depth, 0, 10, "changes in a chain; 0: one to three");
  t.number("augment.augmix_alpha", a.augmix.alpha, 0.01, 100, "of the mixing weights");
  t.number("augment.patch", a.patch.chance, 0, 1, "chance of a piece of another photo in front");
  t.range("augment.patch_area", a.patch.area, 0.001, 0.9, "its share of the input");
  t.number("augment.patch_ratio", a.patch.least_ratio, 0.01, 1,
           "least height over width, up to its inverse");
  t.number("augment.erasing", a.erasing_chance, 0, 1, "chance of an erased box");
  t.range("augment.erasing_area", a.erasing.area, 0.001, 0.9, "its share of the input");
  t.number("augment.erasing_ratio", a.erasing.least_ratio, 0.01, 1,
           "least height over width, up to its inverse");
  t.number("mix.chance", m.chance, 0, 1, "that a batch is mixed, of each of the stage's mixes");
  t.number("mix.cutmix_alpha", m.cutmix_alpha, 0.01, 100, "of Beta(alpha, alpha)");
  t.number("mix.mixup_alpha", m.mixup_alpha, 0.01, 100, "of Beta(alpha, alpha)");
  t.number("mix.fmix_alpha", m.fmix_alpha, 0.01, 100, "of Beta(alpha, alpha)");
  t.number("mix.fmix_decay", m.fmix_decay, 0, 10, "how smooth the masks are");
}

void add_checkpoint(RecipeTable& t, CheckpointOptions& c) {
  t.shapes_weights = false;
  t.number("checkpoint.minutes", c.minutes, 0, 100000, "between checkpoints; 0: only each epoch");
  t.whole("checkpoint.steps", c.steps, 0, 1000000000, "between checkpoints; 0: by time alone");
}

void add_distributed(RecipeTable& t, DistributedOptions& d) {
  t.shapes_weights = false;
  t.choice("distributed.batch_norm", d.batch_norm, {"sync", "local"},
           "statistics over the whole batch (as one process), or over each process's part");
  t.number("distributed.timeout", d.timeout, 1, 1e6,
           "seconds after which a process that does not answer counts as lost; above what rank 0 "
           "needs to write a checkpoint");
  t.number("distributed.bucket_mb", d.bucket_mb, 0.001, 10000,
           "gradients that travel together while backward goes on");
}

}  // namespace

std::vector<RecipeField> recipe_fields(Recipe& recipe) {
  RecipeTable table;
  add_run(table, recipe);
  add_data(table, recipe.data);
  add_sampler(table, recipe.sampler);
  add_model(table, recipe.model, recipe.freeze_batch_norms);
  add_losses(table, recipe.head, recipe.triplet, recipe.center, recipe.distill);
  add_knowledge(table, recipe.knowledge);
  add_optimiser(table, recipe.optimiser);
  add_schedule(table, recipe.schedule);
  add_stages(table, recipe.stages);
  table.whole("progressive.start", recipe.progressive.start, 0, 2048,
              "input side in the first epoch, growing to the stage's; 0: off");
  table.whole("progressive.step", recipe.progressive.step, 1, 2048, "growth an epoch");
  add_augment(table, recipe.augment, recipe.mix);
  add_checkpoint(table, recipe.checkpoint);
  add_distributed(table, recipe.distributed);
  return table.take();
}

}  // namespace cairn::run
