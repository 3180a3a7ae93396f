// The builders of the landmark families. Lengths are in metres.
#pragma once

#include "cairn/dataset/synth/landmark.h"

namespace cairn::synth {

void sculpt_tower(Sculptor& s);
void sculpt_lattice(Sculptor& s);
void sculpt_column(Sculptor& s);
void sculpt_pagoda(Sculptor& s);
void sculpt_skyscraper(Sculptor& s);
void sculpt_windmill(Sculptor& s);
void sculpt_wheel(Sculptor& s);
void sculpt_arch(Sculptor& s);
void sculpt_dome(Sculptor& s);
void sculpt_cathedral(Sculptor& s);
void sculpt_bridge(Sculptor& s);
void sculpt_stadium(Sculptor& s);
void sculpt_castle(Sculptor& s);
void sculpt_temple(Sculptor& s);
void sculpt_pyramid(Sculptor& s);
void sculpt_palace(Sculptor& s);

}  // namespace cairn::synth
