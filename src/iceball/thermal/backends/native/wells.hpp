// The probes: how much heat each segment takes, and which voxels give it.
#pragma once
#include <cmath>

#include "lanes.hpp"

namespace iceball {

inline double surface_potential(const Wells &w, int64_t segment, double temperature_c, double *slope) {
  double place = (temperature_c - w.coldest_c) / w.surface_step_c;
  int64_t node = (int64_t)place;
  node = node < 0 ? 0 : (node > w.surface_nodes - 2 ? w.surface_nodes - 2 : node);
  double value = 0;
  *slope = 0;
  for (int64_t x = w.mix_start[segment]; x < w.mix_start[segment + 1]; x++) {
    const double *row = w.surface + w.material[x] * w.surface_nodes + node;
    value += w.share[x] * (row[0] + (place - node) * (row[1] - row[0]));
    *slope += w.share[x] * (row[1] - row[0]) / w.surface_step_c;
  }
  return value;
}

// Heat per length q that solves q = A (around - Θ(gas + R q)): Newton, kept inside a bracket that always holds the root.
inline double well_heat(const Wells &w, int64_t s, double around, double gas, double resistance) {
  const double a = w.conductance[s];
  double slope, edge = a * (around - surface_potential(w, s, gas, &slope));
  double low = edge < 0 ? edge : 0, high = edge < 0 ? 0 : edge, q = w.heat[s];
  if (resistance == 0) return edge;
  if (q < low || q > high) q = edge / (1 + a * slope * resistance);
  for (int i = 0; i < 40; i++) {
    double f = q - a * (around - surface_potential(w, s, gas + resistance * q, &slope));
    (f < 0 ? low : high) = q;
    double next = q - f / (1 + a * slope * resistance);
    if (next < low || next > high) next = 0.5 * (low + high);
    if (std::fabs(next - q) <= 1e-9 * (1 + std::fabs(next))) return next;
    q = next;
  }
  return q;
}

// Mean potential around a segment.
inline double potential_around(const Wells &w, int64_t s, const float *theta) {
  vf parts{}, others{};
  int64_t r = w.start[s];
  for (; r + 1 < w.start[s + 1]; r += 2) {
    parts += load(w.weight + TX * r) * load(theta + w.run[r]);
    others += load(w.weight + TX * (r + 1)) * load(theta + w.run[r + 1]);
  }
  if (r < w.start[s + 1]) parts += load(w.weight + TX * r) * load(theta + w.run[r]);
  return sum(parts + others);
}

inline void run_wells(const Box &box, Wells &w, int cur, double time, double share, bool first) {
  for (int64_t r = 0; r < w.start[w.segments]; r++) store(box.well_heat + w.run[r], vf{});
  for (int64_t s = 0; s < w.segments; s++) {
    const int p = w.probe[s];
    if (w.mode[p] == 0) continue;
    double value = w.from[p] + (w.to[p] - w.from[p]) * time, q = value, surface = NAN;
    if (w.mode[p] == 1) {
      const double resistance = w.resistance[s] * w.limit[p];
      const double gas = value + (w.tilt_from[p] + (w.tilt_to[p] - w.tilt_from[p]) * time) * w.offset_k[s];
      q = well_heat(w, s, potential_around(w, s, box.potential[cur]), gas, resistance);
      surface = gas + resistance * q;
      if (q < -w.most[p]) q = -w.most[p];
    }
    w.heat[s] = q;
    const double heat = q * w.power[p] * w.length_m[s];
    w.energy[p] += share * heat;
    if (first) w.first_heat[p] += heat, w.first_surface[p] += surface * w.length_m[s];
    const vf rate = all((float)(-heat / w.voxel_m3));
    for (int64_t r = w.start[s]; r < w.start[s + 1]; r++) {
      float *row = box.well_heat + w.run[r];
      store(row, load(row) + rate * load(w.weight + TX * r));
    }
  }
}

}  // namespace iceball
