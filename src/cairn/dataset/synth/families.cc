#include "cairn/dataset/synth/families.h"

#include <array>

namespace cairn::synth {

std::span<const Family> families() {
  static const std::array<Family, 16> kFamilies = {{{"tower", sculpt_tower},
                                                    {"lattice", sculpt_lattice},
                                                    {"arch", sculpt_arch},
                                                    {"dome", sculpt_dome},
                                                    {"cathedral", sculpt_cathedral},
                                                    {"bridge", sculpt_bridge},
                                                    {"column", sculpt_column},
                                                    {"pagoda", sculpt_pagoda},
                                                    {"stadium", sculpt_stadium},
                                                    {"castle", sculpt_castle},
                                                    {"temple", sculpt_temple},
                                                    {"pyramid", sculpt_pyramid},
                                                    {"skyscraper", sculpt_skyscraper},
                                                    {"wheel", sculpt_wheel},
                                                    {"palace", sculpt_palace},
                                                    {"windmill", sculpt_windmill}}};
  return kFamilies;
}

}  // namespace cairn::synth
