#include "cairn/base/error.h"

namespace cairn {

void assertion_failed(const char* condition, const char* file, int line) {
  throw std::logic_error(std::string("bug in cairn: ") + condition + " is false at " + file + ":" +
                         std::to_string(line));
}

}  // namespace cairn
