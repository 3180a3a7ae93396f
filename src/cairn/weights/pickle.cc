#include "cairn/weights/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <variant>

#include "cairn/base/error.h"
#include "cairn/weights/pickle_globals.h"

namespace cairn::weights {
namespace {

// Things on the stack, and open marks: what nesting may cost. A list or dict gives its items away
// every thousand, and only a tuple keeps all of its on the stack.
constexpr size_t kMaxStack = 1 << 16;
constexpr size_t kMaxMarks = 1 << 10;

// Pickle's opcodes by their names in Python's pickletools.
enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kEmptyDict = '}',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kDict = 'd',
  kEmptyList = ']',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kEmptyTuple = ')',
  kSetItems = 'u',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kProto = 0x80,
  kNewObj = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

class Machine {
 public:
  Machine(std::span<const uint8_t> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  Pickle run() {
    for (;;) {
      const auto opcode = static_cast<uint8_t>(number(1));
      if (opcode == kStop) break;
      step(opcode);
    }
    if (stack_.size() != 1 || !marks_.empty()) fail("it ends in the middle of a value");
    out_.root = stack_[0];
    out_.size = at_;
    check_nesting();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(fmt::format("{}: not a pickle of weights: {}", where_, reason));
  }

  std::string_view take(uint64_t size) {
    if (size > bytes_.size() - at_) fail("it is cut short");
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + at_, size);
    at_ += size;
    return text;
  }

  // A little-endian number.
  uint64_t number(size_t size) {
    uint64_t value = 0;
    const std::string_view text = take(size);
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(text[i]);
    return value;
  }

  std::string_view line() {
    const size_t left = bytes_.size() - at_;
    const void* end = left == 0 ? nullptr : std::memchr(bytes_.data() + at_, '\n', left);
    if (end == nullptr) fail("it is cut short");
    const auto size = static_cast<size_t>(static_cast<const uint8_t*>(end) - bytes_.data()) - at_;
    const std::string_view text = take(size);
    take(1);
    return text;
  }

  PickleId add(PickleValue value) {
    if (out_.values.size() >= kMaxPickleValues)
      fail(fmt::format("it has more than {} values", kMaxPickleValues));
    out_.values.push_back(std::move(value));
    return static_cast<PickleId>(out_.values.size() - 1);
  }

  void push_id(PickleId id) {
    if (stack_.size() >= kMaxStack) fail("its values nest too deep");
    stack_.push_back(id);
  }

  void push(PickleKind kind, int64_t value = 0, std::string_view text = {}) {
    push_id(add({kind, value, text, {}}));
  }

  void push_items(PickleKind kind, std::vector<PickleId> items) {
    push_id(add({kind, 0, {}, std::move(items)}));
  }

  // What lies on the stack above the newest mark may be taken, and nothing below.
  void need(size_t count) const {
    if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count)
      fail("it takes what is not there");
  }

  PickleId pop() {
    need(1);
    const PickleId id = stack_.back();
    stack_.pop_back();
    return id;
  }

  std::vector<PickleId> pop_many(size_t count) {
    need(count);
    const std::vector<PickleId> items(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }

  std::vector<PickleId> pop_to_mark() {
    if (marks_.empty()) fail("it takes what is not there");
    const std::vector<PickleId> items = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }

  std::string_view pop_text() {
    const PickleValue& value = out_.values[pop()];
    if (value.kind != PickleKind::kText) fail("a name is no text");
    return value.text;
  }

  void extend(PickleKind kind, const std::vector<PickleId>& items) {
    need(1);
    PickleValue& target = out_.values[stack_.back()];
    const bool other = target.kind == PickleKind::kOther;  // a set, a Counter
    if (!other && target.kind != kind) fail("items are put into something that holds none");
    if (kind == PickleKind::kDict && items.size() % 2 != 0) fail("a key has no value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void put(uint64_t place) {
    need(1);
    if (memo_.size() >= kMaxPickleValues) fail("it remembers too much");
    memo_[place] = stack_.back();
  }

  void get(uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) fail(fmt::format("it asks for memo {}, which it never put", place));
    push_id(found->second);
  }

  void push_long(uint64_t size) {
    const std::string_view text = take(size);
    if (size > 8) return push(PickleKind::kBytes, 0, text);
    uint64_t value = size > 0 && (text.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(text[i]);
    push(PickleKind::kInt, static_cast<int64_t>(value));
  }

  void push_global(std::string_view module, std::string_view name) {
    const auto global = find_global(module, name);
    if (!global)
      throw Error(
          fmt::format("{}: its pickle names {}.{}, which no weights need; refused, nothing "
                      "of it was run (save the model's state_dict() alone)",
                      where_, printable(module), printable(name)));
    push(PickleKind::kGlobal, pack(*global));
  }

  void call() {
    const PickleId arguments = pop();
    const PickleId function = pop();
    try {
      std::variant<PickleId, PickleValue> result = call_global(out_, function, arguments);
      const PickleId* known = std::get_if<PickleId>(&result);
      push_id(known != nullptr ? *known : add(std::get<PickleValue>(std::move(result))));
    } catch (const std::invalid_argument& wrong) {
      fail(wrong.what());
    }
  }

  void push_storage() {
    const PickleValue& id = out_.values[pop()];
    const auto part = [&](size_t i) -> const PickleValue& { return out_.values[id.items[i]]; };
    if (id.kind != PickleKind::kTuple || id.items.size() < 5 || part(0).text != "storage" ||
        part(1).kind != PickleKind::kGlobal || part(2).kind != PickleKind::kText ||
        part(4).kind != PickleKind::kInt)
      fail("something that is no storage lies outside of it");
    const GlobalNumber type = unpack_global(part(1).number);
    if (type.global != PickleGlobal::kStorageType) fail("a storage has no element type");
    if (id.items.size() > 5 && part(5).kind != PickleKind::kNone) fail("a storage of a storage");
    const PickleStorage storage{type.dtype, part(2).text, part(4).number};
    if (storage.count < 0) fail("a storage has a negative size");
    const auto [found, is_new] = storage_of_key_.emplace(storage.key, out_.storages.size());
    if (is_new) out_.storages.push_back(storage);
    const PickleStorage& known = out_.storages[found->second];
    if (known.dtype != storage.dtype || known.count != storage.count)
      fail(fmt::format("storage {} is described twice, in two ways", printable(storage.key)));
    push(PickleKind::kStorage, static_cast<int64_t>(found->second));
  }

  void build() {
    pop();  // attributes of an OrderedDict (_metadata), of NumPy's types, …: nobody asks for them
    need(1);
    const PickleKind kind = out_.values[stack_.back()].kind;
    if (kind != PickleKind::kDict && kind != PickleKind::kOther && kind != PickleKind::kTensor)
      fail("attributes are put on something that has none");
  }

  void step(uint8_t opcode);
  bool step_data(uint8_t opcode);
  void check_nesting() const;

  std::span<const uint8_t> bytes_;
  const std::string& where_;
  size_t at_ = 0;
  std::vector<PickleId> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleId> memo_;
  std::unordered_map<std::string_view, size_t> storage_of_key_;
  Pickle out_;
};

// Opcodes that push a plain value; false for all others.
bool Machine::step_data(uint8_t opcode) {
  switch (opcode) {
    case kNone:
      return push(PickleKind::kNone), true;
    case kNewTrue:
    case kNewFalse:
      return push(PickleKind::kInt, opcode == kNewTrue ? 1 : 0), true;
    case kBinInt:
      return push(PickleKind::kInt, static_cast<int32_t>(number(4))), true;
    case kBinInt1:
      return push(PickleKind::kInt, static_cast<int64_t>(number(1))), true;
    case kBinInt2:
      return push(PickleKind::kInt, static_cast<int64_t>(number(2))), true;
    case kLong1:
      return push_long(number(1)), true;
    case kLong4:
      return push_long(number(4)), true;
    case kBinFloat:
      take(8);
      return push(PickleKind::kOther), true;
    case kShortBinString:
    case kShortBinUnicode:
      return push(PickleKind::kText, 0, take(number(1))), true;
    case kBinString:
    case kBinUnicode:
      return push(PickleKind::kText, 0, take(number(4))), true;
    case kBinUnicode8:
      return push(PickleKind::kText, 0, take(number(8))), true;
    case kShortBinBytes:
      return push(PickleKind::kBytes, 0, take(number(1))), true;
    case kBinBytes:
      return push(PickleKind::kBytes, 0, take(number(4))), true;
    case kBinBytes8:
      return push(PickleKind::kBytes, 0, take(number(8))), true;
    case kEmptyList:
      return push(PickleKind::kList), true;
    case kEmptyTuple:
      return push(PickleKind::kTuple), true;
    case kEmptyDict:
      return push(PickleKind::kDict), true;
    case kEmptySet:
      return push(PickleKind::kOther), true;
    default:
      return false;
  }
}

void Machine::step(uint8_t opcode) {
  if (step_data(opcode)) return;
  switch (opcode) {
    case kProto:
      if (number(1) > 5) fail("it is of an unknown protocol");
      return;
    case kFrame:
      number(8);  // only says how much may be read ahead
      return;
    case kMark:
      if (marks_.size() >= kMaxMarks) fail("its values nest too deep");
      return marks_.push_back(stack_.size());
    case kPop:
      pop();
      return;
    case kPopMark:
      pop_to_mark();
      return;
    case kTuple:
      return push_items(PickleKind::kTuple, pop_to_mark());
    case kTuple1:
    case kTuple2:
    case kTuple3:
      return push_items(PickleKind::kTuple, pop_many(opcode - kTuple1 + 1U));
    case kList:
      return push_items(PickleKind::kList, pop_to_mark());
    case kFrozenSet:
      return push_items(PickleKind::kOther, pop_to_mark());
    case kDict: {
      const std::vector<PickleId> items = pop_to_mark();
      push(PickleKind::kDict);
      return extend(PickleKind::kDict, items);
    }
    case kAppend:
      return extend(PickleKind::kList, pop_many(1));
    case kAppends:
    case kAddItems:
      return extend(PickleKind::kList, pop_to_mark());
    case kSetItem:
      return extend(PickleKind::kDict, pop_many(2));
    case kSetItems:
      return extend(PickleKind::kDict, pop_to_mark());
    case kBinPut:
      return put(number(1));
    case kLongBinPut:
      return put(number(4));
    case kMemoize:
      return put(memo_.size());
    case kBinGet:
      return get(number(1));
    case kLongBinGet:
      return get(number(4));
    case kGlobal: {
      const std::string_view module = line();
      return push_global(module, line());
    }
    case kStackGlobal: {
      const std::string_view name = pop_text();
      return push_global(pop_text(), name);
    }
    case kReduce:
    case kNewObj:
      return call();
    case kBinPersId:
      return push_storage();
    case kBuild:
      return build();
    default:
      fail(fmt::format("opcode {:#04x} is not one of PyTorch's", opcode));
  }
}

// Walks over all values without recursion: a value that holds itself, or nests too deep, is
// refused.
void Machine::check_nesting() const {
  enum : uint8_t { kUnseen = 0xff, kOpen = 0xfe };  // otherwise: how deep it nests
  static_assert(kMaxPickleDepth < kOpen);
  std::vector<uint8_t> depth(out_.values.size(), kUnseen);
  std::vector<std::pair<PickleId, size_t>> path;  // a value and its next item
  for (PickleId start = 0; start < out_.values.size(); ++start) {
    if (depth[start] != kUnseen) continue;
    path.emplace_back(start, 0);
    depth[start] = kOpen;
    while (!path.empty()) {
      auto& [id, next] = path.back();
      const std::vector<PickleId>& items = out_.values[id].items;
      if (next < items.size()) {
        const PickleId item = items[next++];
        if (depth[item] == kOpen) fail("a value holds itself");
        if (depth[item] != kUnseen) continue;
        depth[item] = kOpen;
        path.emplace_back(item, 0);
        continue;
      }
      int deepest = 0;
      for (const PickleId item : items) deepest = std::max<int>(deepest, depth[item] + 1);
      if (deepest >= kMaxPickleDepth) fail("its values nest too deep");
      depth[id] = static_cast<uint8_t>(deepest);
      path.pop_back();
    }
  }
}

}  // namespace

Pickle parse_pickle(std::span<const uint8_t> bytes, const std::string& where) {
  return Machine(bytes, where).run();
}

}  // namespace cairn::weights
