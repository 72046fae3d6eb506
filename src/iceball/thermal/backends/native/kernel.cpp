// The stages of super-time-stepping on tiles: one fused pass per stage, one barrier per stage.
// Nothing here decides physics: the equation is that of _numpy.py, which every backend is tested against.
#include "kernel.hpp"

#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace iceball {
namespace {

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));

typedef float vu __attribute__((vector_size(64), aligned(4)));  // aliases float only: pointers need not be read again
inline vf load(const float *p) { return *reinterpret_cast<const vu *>(p); }
inline void store(float *p, vf v) { *reinterpret_cast<vu *>(p) = v; }
inline vf all(float x) { return x - vf{}; }
inline float sum(vf v) {
  float s = 0;
  for (int l = 0; l < TX; l++) s += v[l];
  return s;
}
inline bool any(vi m) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)m, (__m512i)m) != 0;
#else
  int32_t s = 0;
  for (int l = 0; l < TX; l++) s |= m[l];
  return s != 0;
#endif
}
inline vf gather(const float *base, vi n) {
#if defined(__AVX512F__)
  return (vf)_mm512_i32gather_ps((__m512i)n, base, 4);
#elif defined(__AVX2__)
  __m256i half[2];
  std::memcpy(half, &n, 64);
  __m256 got[2] = {_mm256_i32gather_ps(base, half[0], 4), _mm256_i32gather_ps(base, half[1], 4)};
  vf v;
  std::memcpy(&v, got, 64);
  return v;
#else
  vf v;
  for (int l = 0; l < TX; l++) v[l] = base[n[l]];
  return v;
#endif
}
inline vi widen(const uint8_t *p) {
  typedef uint8_t vb __attribute__((vector_size(16)));
  vb b;
  std::memcpy(&b, p, 16);
  return __builtin_convertvector(b, vi);
}
inline vf choose(vi mask, vf a, vf b) { return mask ? a : b; }
inline vf toward_zero(vf x, vi *n) {
  *n = __builtin_convertvector(x, vi);
  return x - __builtin_convertvector(*n, vf);
}

// Where an enthalpy lies in its material's table.
struct Place {
  vi node;
  vf part;
};

inline Place place_uniform(const Medium &m, int label, vf h) {
  vi g1 = h >= all(m.low[1]), g2 = h >= all(m.low[2]);
  vf low = choose(g2, all(m.low[2]), choose(g1, all(m.low[1]), all(m.low[0])));
  vf inv = choose(g2, all(m.inverse[2]), choose(g1, all(m.inverse[1]), all(m.inverse[0])));
  vi first = g2 ? (vi{} + FIRST2) : (g1 ? (vi{} + FIRST1) : vi{});
  Place p;
  p.part = toward_zero((h - low) * inv, &p.node);
  vi over = p.node + first > PIECES - 1, under = p.node < 0;
  vf full = (h - low) * inv;
  p.node = under ? vi{} : (over ? (vi{} + PIECES - 1 - first) : p.node);
  p.part = full - __builtin_convertvector(p.node, vf);
  p.node += first + label * PIECES;
  return p;
}

enum Row { T = 0, P = 2, K = 4, F = 6 };
inline vf read(const Box &box, Place p, Row row) {
  const float *base = box.rows + row * box.row_count;
  return gather(base, p.node) + p.part * gather(base + box.row_count, p.node);
}

inline vf alive_of(const Box &box, int64_t o) { return __builtin_convertvector(widen(box.alive + o), vf); }

// Blood and metabolism of 16 voxels: dH/dt, and their sums for the balance.
struct Living {
  vf blood, cells;
};

inline Living living_uniform(const Box &box, const Medium &m, int label, int64_t o, vf h, bool stasis) {
  Living got;
  if (!any(h < all(m.straight))) {
    got.blood = all(m.perfusion * (box.arterial_c - m.t0)) - all(m.perfusion * m.t1) * h;
    got.cells = all(m.metabolic);
  } else if (!any(h > all(m.low[1]))) {
    got.blood = got.cells = vf{};
    return got;
  } else {
    Place p = place_uniform(m, label, h);
    vf f = read(box, p, F);
    got.blood = all(m.perfusion) * f * (all(box.arterial_c) - read(box, p, T));
    got.cells = all(m.metabolic) * f;
  }
  if (stasis) {
    vf a = alive_of(box, o);
    got.blood *= a;
    got.cells *= a;
  }
  return got;
}

// Rows of several materials: each in turn, for the lanes that are made of it.
template <class Visit>
inline void each_label(const Box &box, int64_t at, Visit visit) {
  vi labels = widen(box.label + at);
  if (box.row_kind[at / TX] & 8) {
    const int second = box.row_second[at / TX];
    vi here = labels == (vi{} + second);
    visit(box.label[at], ~here);
    visit(second, here);
    return;
  }
  vi left = ~vi{};
  for (int l = 0; l < TX; l++) {
    if (!left[l]) continue;
    const int label = labels[l];
    vi here = labels == (vi{} + label);
    visit(label, here);
    left &= ~here;
    if (!any(left)) return;
  }
}

inline Living living_mixed(const Box &box, int64_t o, vf h) {
  Living all_of{};
  each_label(box, o, [&](int label, vi here) {
    const Medium &m = box.media[label];
    if (m.perfusion == 0 && m.metabolic == 0) return;
    Living l = living_uniform(box, m, label, o, choose(here, h, all(m.straight)), true);
    all_of.blood = choose(here, l.blood, all_of.blood);
    all_of.cells = choose(here, l.cells, all_of.cells);
  });
  return all_of;
}

// One row of a stage: everything but conduction.
struct Stage {
  float carry, weight, back, again;
  bool first, second_order;
};

struct Sums {
  vf blood{}, cells{}, boundary{};
};

inline vf advance_row(const Box &box, const Stage &s, int64_t o, vf rate, vf h) {
  vf d = all(s.weight) * rate;
  if (s.first) store(box.before + o, h);
  if (!s.first) d += all(s.carry) * load(box.step + o);
  if (s.second_order) {
    if (s.first)
      store(box.first + o, rate);
    else
      d += all(s.back) * (h - load(box.before + o)) + all(s.again) * load(box.first + o);
  }
  return d;
}

inline vf kirchhoff(const Box &box, const float *p) {
  vf around = (load(p - 1) + load(p + 1)) + (load(p - box.row) + load(p + box.row)) +
              (load(p - box.plane) + load(p + box.plane));
  return (around - 6.0f * load(p)) * all(box.inverse_h2);
}

inline vf conduct_mixed(const Box &box, int64_t o, int cur) {
  const float *p = box.potential[cur] + o, *t = box.temperature[cur] + o, *k = box.conductivity[cur] + o;
  const int64_t to[6] = {-1, 1, -box.row, box.row, -box.plane, box.plane};
  vi faces = widen(box.faces + o);
  vf pc = load(p), tc = load(t), kc = load(k), flow{};
  for (int d = 0; d < 6; d++) {
    vi unlike = (faces & (1 << d)) == 0;
    vf through = load(p + to[d]) - pc;
    if (any(unlike)) {
      vf kn = load(k + to[d]);
      through = choose(unlike, 2.0f * kn * kc / (kn + kc + all(1e-30f)) * (load(t + to[d]) - tc), through);
    }
    flow += through;
  }
  return flow * all(box.inverse_h2);
}

inline void write_uniform(const Box &box, const Medium &m, int label, int64_t o, vf h, int next, bool unlike) {
  vf theta, t, k;
  if (!any(h < all(m.straight))) {
    theta = all(m.p0) + all(m.p1) * h;
    if (unlike) t = all(m.t0) + all(m.t1) * h, k = all(m.k);
  } else {
    Place p = place_uniform(m, label, h);
    theta = read(box, p, P);
    if (unlike) t = read(box, p, T), k = read(box, p, K);
  }
  store(box.potential[next] + o, theta);
  if (unlike) store(box.temperature[next] + o, t), store(box.conductivity[next] + o, k);
}

inline void write_mixed(const Box &box, int64_t o, vf h, int next) {
  vf theta{}, t{}, k{};
  each_label(box, o, [&](int label, vi here) {
    const Medium &m = box.media[label];
    vf own = choose(here, h, all(m.straight < 3e38f ? m.straight : 0.0f));
    if (!any(own < all(m.straight))) {
      theta = choose(here, all(m.p0) + all(m.p1) * own, theta);
      t = choose(here, all(m.t0) + all(m.t1) * own, t);
      k = choose(here, all(m.k), k);
      return;
    }
    Place p = place_uniform(m, label, own);
    theta = choose(here, read(box, p, P), theta);
    t = choose(here, read(box, p, T), t);
    k = choose(here, read(box, p, K), k);
  });
  store(box.potential[next] + o, theta);
  store(box.temperature[next] + o, t);
  store(box.conductivity[next] + o, k);
}

inline vf temperature_mixed(const Box &box, int64_t o, vf h) {
  vf t{};
  each_label(box, o, [&](int label, vi here) {
    const Medium &m = box.media[label];
    vf own = choose(here, h, all(m.straight < 3e38f ? m.straight : 0.0f));
    vf now = any(own < all(m.straight)) ? read(box, place_uniform(m, label, own), T) : all(m.t0) + all(m.t1) * own;
    t = choose(here, now, t);
  });
  return t;
}

__attribute__((noinline)) void pure_tile(const Box &shared, const Stage &s, int64_t o, int label, uint8_t flags, int cur, const float *through,
               Sums &sums) {
  const Box box = shared;
  const Medium m = box.media[label];
  for (int r = 0; r < ROWS; r++) {
    int64_t at = o + (r / TY) * box.plane + (r % TY) * box.row;
    vf h = load(box.enthalpy + at), rate = kirchhoff(box, box.potential[cur] + at);
    if (through) rate += load(through + TX * r);
    if (!(flags & DRY)) {
      Living l = living_uniform(box, m, label, at, h, flags & STASIS);
      sums.blood += l.blood;
      sums.cells += l.cells;
      rate += l.blood + l.cells;
    }
    if (flags & WELL) rate += load(box.well_heat + at);
    vf d = advance_row(box, s, at, rate, h);
    if (flags & GUESS) d = choose(load(box.before + at) < all(m.straight), vf{}, d);
    h += d;
    store(box.step + at, d);
    store(box.enthalpy + at, h);
    write_uniform(box, m, label, at, h, 1 - cur, false);
  }
}

void mixed_row(const Box &box, const Stage &s, int64_t at, uint8_t flags, int cur, const float *through, Sums &sums) {
  const uint8_t kind = box.row_kind[at / TX];
  const bool uniform = kind & 1, alike = kind & 2, free = kind & 4;
  const int label = box.label[at];
  const Medium &m = box.media[label];
  vf h = load(box.enthalpy + at);
  vf rate = alike ? kirchhoff(box, box.potential[cur] + at) : conduct_mixed(box, at, cur);
  if (through) rate += load(through);
  vi moves = free ? ~vi{} : (widen(box.faces + at) & 64) != 0;
  if (!free) {
    sums.boundary -= choose(moves, vf{}, rate);
    rate = choose(moves, rate, vf{});
  }
  if (!(flags & DRY)) {
    Living l = uniform ? living_uniform(box, m, label, at, h, flags & STASIS) : living_mixed(box, at, h);
    if (!free) l.blood = choose(moves, l.blood, vf{}), l.cells = choose(moves, l.cells, vf{});
    sums.blood += l.blood;
    sums.cells += l.cells;
    rate += l.blood + l.cells;
  }
  if (flags & EXTRA) {
    vf t = uniform ? (any(h < all(m.straight)) ? read(box, place_uniform(m, label, h), T) : all(m.t0) + all(m.t1) * h)
                   : temperature_mixed(box, at, h);
    vf extra = load(box.given + at) - load(box.per_k + at) * t -
               load(box.per_potential + at) * load(box.potential[cur] + at);
    if (!free) extra = choose(moves, extra, vf{});
    sums.boundary += extra;
    rate += extra;
  }
  if (flags & WELL) rate += free ? load(box.well_heat + at) : choose(moves, load(box.well_heat + at), vf{});
  vf d = advance_row(box, s, at, rate, h);
  if (!free) d = choose(moves, d, vf{});
  if (flags & GUESS) {  // along a faster level: what has begun to freeze stands still, the rest runs ahead as a guess
    const float *media = reinterpret_cast<const float *>(box.media);
    vf thawed = uniform ? all(m.straight) : gather(media, widen(box.label + at) * (int)(sizeof(Medium) / sizeof(float)) + 6);
    d = choose(load(box.before + at) < thawed, vf{}, d);
  }
  h += d;
  store(box.step + at, d);
  store(box.enthalpy + at, h);
  if (uniform)
    write_uniform(box, m, label, at, h, 1 - cur, !alike);
  else
    write_mixed(box, at, h, 1 - cur);
}

__attribute__((noinline)) void mixed_tile(const Box &shared, const Stage &s, int64_t o, uint8_t flags, int cur, const float *through, Sums &sums) {
  const Box box = shared;
  for (int r = 0; r < ROWS; r++)
    mixed_row(box, s, o + (r / TY) * box.plane + (r % TY) * box.row, flags, cur, through ? through + TX * r : nullptr,
              sums);
}

double surface_potential(const Wells &w, int64_t segment, double temperature_c, double *slope) {
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
double well_heat(const Wells &w, int64_t s, double around, double gas, double resistance) {
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

void run_wells(const Box &box, Wells &w, int cur, double time, double share, bool first) {
  const float *theta = box.potential[cur];
  for (int64_t r = 0; r < w.start[w.segments]; r++) std::memset(box.well_heat + w.run[r], 0, 32);
  for (int64_t s = 0; s < w.segments; s++) {
    const int p = w.probe[s];
    if (w.mode[p] == 0) continue;
    double value = w.from[p] + (w.to[p] - w.from[p]) * time, q = value, surface = NAN;
    if (w.mode[p] == 1) {
      float parts[8] = {};
      for (int64_t r = w.start[s]; r < w.start[s + 1]; r++)
        for (int l = 0; l < 8; l++) parts[l] += w.weight[8 * r + l] * theta[w.run[r] + l];
      double around = 0;
      for (int l = 0; l < 8; l++) around += parts[l];
      double resistance = w.resistance[s] * w.limit[p];
      const double gas = value + (w.tilt_from[p] + (w.tilt_to[p] - w.tilt_from[p]) * time) * w.offset_k[s];
      q = well_heat(w, s, around, gas, resistance);
      surface = gas + resistance * q;
      if (q < -w.most[p]) q = -w.most[p];
    }
    w.heat[s] = q;
    double heat = q * w.power[p] * w.length_m[s];
    w.energy[p] += share * heat;
    if (first) w.first_heat[p] += heat, w.first_surface[p] += surface * w.length_m[s];
    const float rate = (float)(-heat / w.voxel_m3);
    for (int64_t r = w.start[s]; r < w.start[s + 1]; r++)
      for (int l = 0; l < 8; l++) box.well_heat[w.run[r] + l] += rate * w.weight[8 * r + l];
  }
}

// Pairs of voxels along one face of a tile: rows of 16 along J and I, one voxel of each row along K.
struct Face {
  int64_t ours, theirs;  // first voxel of our tile, and the step to the voxels beyond
  int rows[ROWS], count, lane;  // lane: -1 where whole rows face the other tile
};

inline Face face_of(const Box &box, const Pass &p, int64_t tile_offset, int64_t i) {
  const int d = p.direction[i], side = d % 2 ? 1 : -1;
  Face f{tile_offset, side * (d < 2 ? 1 : d < 4 ? box.row : box.plane), {}, d < 2 ? ROWS : TY, -1};
  if (d < 2) f.lane = side < 0 ? 0 : TX - 1;
  for (int q = 0; q < f.count; q++)
    f.rows[q] = d < 2 ? q : d < 4 ? q * TY + (side < 0 ? 0 : TY - 1) : (side < 0 ? 0 : (TZ - 1) * TY) + q;
  return f;
}

inline int64_t row_at(const Box &box, int64_t tile_offset, int r) {
  return tile_offset + (r / TY) * box.plane + (r % TY) * box.row;
}

inline vf row_flow(const Box &box, int64_t a, int64_t b, int direction, int cur) {
  const float *p = box.potential[cur], *t = box.temperature[cur], *k = box.conductivity[cur];
  vf flow = load(p + b) - load(p + a);
  vi unlike = (widen(box.faces + a) & (1 << direction)) == 0;
  if (!any(unlike)) return flow;
  vf ka = load(k + a), kb = load(k + b);
  return choose(unlike, 2.0f * ka * kb / (ka + kb + all(1e-30f)) * (load(t + b) - load(t + a)), flow);
}

inline float voxel_flow(const Box &box, int64_t a, int64_t b, int direction, int cur) {
  if (box.faces[a] & (1 << direction)) return box.potential[cur][b] - box.potential[cur][a];
  const float ka = box.conductivity[cur][a], kb = box.conductivity[cur][b];
  return 2.0f * ka * kb / (ka + kb + 1e-30f) * (box.temperature[cur][b] - box.temperature[cur][a]);
}

// Faces of one tile that lead to another level. A slower one has been stepped already: what it let through is imposed.
// A faster one, or one at rest, stands still for this pass: what comes through is counted.
__attribute__((noinline)) const float *run_faces(const Box &box, const Pass &p, int tile, int stage, int cur,
                                                 float *through) {
  const int from = p.face_start[tile], to = p.face_start[tile + 1];
  const float share = (float)(p.share[stage] * box.inverse_h2);
  bool imposed = false;
  for (int i = from; i < to; i++) {
    if (p.kind[i] == STILL) continue;
    const Face f = face_of(box, p, p.tile[tile], i);
    const int d = p.direction[i];
    const float *slot = p.slots + 64 * p.slot[i];
    float *flux = p.flux + 64 * (int64_t)i;
    const float sign = d % 2 ? 1.0f : -1.0f;
    if (p.kind[i] == SLOWER && !imposed) {
      std::memset(through, 0, sizeof(float) * TX * ROWS);
      imposed = true;
    }
    for (int q = 0; q < f.count; q++) {
      const int64_t a = row_at(box, f.ours, f.rows[q]);
      if (f.lane < 0) {
        vf flow = row_flow(box, a, a + f.theirs, d, cur);
        if (p.kind[i] == SLOWER) {
          float *row = through + TX * f.rows[q];
          store(row, load(row) + all(sign) * load(slot + TX * q) - flow * all(box.inverse_h2));
        } else {
          store(flux + TX * q, load(flux + TX * q) + all(share) * flow);
        }
        continue;
      }
      const float flow = voxel_flow(box, a + f.lane, a + f.lane + f.theirs, d, cur);
      if (p.kind[i] == SLOWER)
        through[TX * f.rows[q] + f.lane] += sign * slot[q] - flow * box.inverse_h2;
      else
        flux[q] += share * flow;
    }
  }
  return imposed ? through : nullptr;
}

vf temperature_row(const Box &box, int64_t at, bool uniform, vf h, int write) {
  const int label = box.label[at];
  if (uniform) {
    const Medium &m = box.media[label];
    if (write >= 0) write_uniform(box, m, label, at, h, write, true);
    if (!any(h < all(m.straight))) return all(m.t0) + all(m.t1) * h;
    return read(box, place_uniform(m, label, h), T);
  }
  if (write < 0) return temperature_mixed(box, at, h);
  write_mixed(box, at, h, write);
  return load(box.temperature[write] + at);
}

// Coldest temperature of a tile; NaN where there is one.
float lowest(const Box &box, int64_t o) {
  vf low = all(1e9f), bad{};
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = row_at(box, o, r);
    vf h = load(box.enthalpy + at), now = temperature_row(box, at, box.row_kind[at / TX] & 1, h, -1);
    low = choose(low < now, low, now);
    bad += h - h;  // zero, or NaN
  }
  float least = low[0];
  for (int l = 1; l < TX; l++) least = low[l] < least ? low[l] : least;
  return least + sum(bad);
}

// All threads wait for each other: spinning at first, then leaving the core to whoever needs it.
class Barrier {
 public:
  explicit Barrier(int n) : n_(n) {}
  void wait() {
    if (n_ == 1) return;
    int turn = turn_.load(std::memory_order_acquire);
    if (here_.fetch_add(1, std::memory_order_acq_rel) == n_ - 1) {
      here_.store(0, std::memory_order_relaxed);
      turn_.store(turn + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; turn_.load(std::memory_order_acquire) == turn; spins++)
      if (spins > 4000) std::this_thread::yield();
  }

 private:
  int n_;
  std::atomic<int> here_{0}, turn_{0};
};

struct alignas(64) Share {
  std::atomic<int> head{0};
  int begin = 0, end = 0;
};

// Ask for the rows of the next tile: they lie too far apart for the processor to guess.
inline void ahead(const Box &box, const Stage &s, int64_t o, int cur) {
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = o + (r / TY) * box.plane + (r % TY) * box.row;
    __builtin_prefetch(box.potential[cur] + at);
    __builtin_prefetch(box.enthalpy + at, 1);
    __builtin_prefetch(box.step + at, 1);
    __builtin_prefetch(box.potential[1 - cur] + at, 1);
    if (s.second_order) {
      __builtin_prefetch(box.before + at);
      __builtin_prefetch(box.first + at);
    }
  }
}

// Numbers too small to matter cost a hundred cycles each; they are zero here, and only here.
class SmallIsZero {
 public:
#if defined(__SSE__) || defined(__x86_64__)
  SmallIsZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~SmallIsZero() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  SmallIsZero() {}
#endif
};

class Crew {
 public:
  Crew(const Box &box, const Pass &pass, Wells *wells, int threads)
      : box_(box), pass_(pass), wells_(wells), threads_(threads), barrier_(threads), shares_(2 * threads) {
    for (int s = 0; s < 2; s++)
      for (int t = 0; t < threads; t++) {
        Share &mine = shares_[s * threads + t];
        mine.begin = (int)((int64_t)pass.tiles * t / threads);
        mine.end = (int)((int64_t)pass.tiles * (t + 1) / threads);
        mine.head = mine.begin;
      }
  }

  void run() {
    std::vector<std::thread> others;
    for (int t = 1; t < threads_; t++) others.emplace_back([this, t] { work(t); });
    work(0);
    for (auto &other : others) other.join();
  }

 private:
  void work(int id) {
    SmallIsZero here;
    for (int j = 0; j < pass_.stages; j++) {
      const int cur = j % 2;
      if (id == 0 && wells_) {
        run_wells(box_, *wells_, cur, pass_.time[j], pass_.share[j], j == 0);
        wells_done_.store(j + 1, std::memory_order_release);
      }
      Stage s{pass_.carry[j], pass_.weight[j], pass_.back[j], pass_.again[j], j == 0, pass_.second_order != 0};
      for (int k = 0; k < threads_; k++) take(shares_[(j % 2) * threads_ + (id + k) % threads_], s, j, cur);
      Share &next = shares_[((j + 1) % 2) * threads_ + id];  // nobody is using the shares of the next stage
      next.head.store(next.begin, std::memory_order_relaxed);
      barrier_.wait();
    }
  }

  void take(Share &share, const Stage &s, int j, int cur) {
    for (int i; (i = share.head.fetch_add(1, std::memory_order_relaxed)) < share.end;) {
      const uint8_t flags = pass_.flags[i];
      if (i + 1 < share.end) ahead(box_, s, pass_.tile[i + 1], cur);
      if ((flags & WELL) && wells_)
        for (int spins = 0; wells_done_.load(std::memory_order_acquire) <= j; spins++)
          if (spins > 4000) std::this_thread::yield();
      Sums sums;
      alignas(64) float room[TX * ROWS];
      const float *through = run_faces(box_, pass_, i, j, cur, room);
      if (flags & MIXED)
        mixed_tile(box_, s, pass_.tile[i], flags, cur, through, sums);
      else
        pure_tile(box_, s, pass_.tile[i], pass_.tile_label[i], flags, cur, through, sums);
      if (j + 1 == pass_.stages) pass_.low_c[i] = lowest(box_, pass_.tile[i]);
      double *energy = pass_.energy + 3 * (int64_t)i;
      if (!(flags & DRY)) {
        energy[0] += pass_.share[j] * sum(sums.blood);
        energy[1] += pass_.share[j] * sum(sums.cells);
      }
      if (flags & MIXED) energy[2] += pass_.share[j] * sum(sums.boundary);
    }
  }

  const Box &box_;
  const Pass &pass_;
  Wells *wells_;
  int threads_;
  Barrier barrier_;
  std::vector<Share> shares_;
  std::atomic<int> wells_done_{0};
};

// Scalars of one voxel, for the lists along faces.
struct Look {
  float theta, t, k;
};

Look look(const Box &box, int label, float h) {
  const Medium &m = box.media[label];
  if (h >= m.straight) return {m.p0 + m.p1 * h, m.t0 + m.t1 * h, m.k};
  const int part = (h >= m.low[1]) + (h >= m.low[2]), first = part == 2 ? FIRST2 : part == 1 ? FIRST1 : 0;
  const float full = (h - m.low[part]) * m.inverse[part];
  int node = (int)full;
  node = node < 0 ? 0 : node > PIECES - 1 - first ? PIECES - 1 - first : node;
  const float f = full - node;
  const float *row = box.rows + (int64_t)label * PIECES + first + node;
  const int64_t n = box.row_count;
  return {row[P * n] + f * row[(P + 1) * n], row[T * n] + f * row[(T + 1) * n], row[K * n] + f * row[(K + 1) * n]};
}

void put(const Box &box, int64_t b, int buffer, const Look &v, bool unlike) {
  box.potential[buffer][b] = v.theta;
  if (unlike) box.temperature[buffer][b] = v.t, box.conductivity[buffer][b] = v.k;
}

template <class Visit>
inline void each_pair(const Box &box, const Pass &p, int64_t i, int64_t tile_offset, Visit visit) {
  const Face f = face_of(box, p, tile_offset, i);
  for (int q = 0; q < f.count; q++) {
    const int64_t a = row_at(box, f.ours, f.rows[q]);
    for (int l = f.lane < 0 ? 0 : f.lane; l <= (f.lane < 0 ? TX - 1 : f.lane); l++)
      visit(a + l, a + l + f.theirs, f.lane < 0 ? TX * q + l : q);
  }
}

// Before a pass: a level that stands still must look the same in both buffers.
void prepare(const Box &box, const Pass &p) {
  std::memset(p.flux, 0, sizeof(float) * 64 * p.foreign);
  for (int t = 0; t < p.tiles; t++)
    for (int i = p.face_start[t]; i < p.face_start[t + 1]; i++) {
      if (p.kind[i] != FASTER && p.kind[i] != STILL) continue;
      each_pair(box, p, i, p.tile[t], [&](int64_t, int64_t b, int) {
        box.potential[1][b] = box.potential[0][b];
        box.temperature[1][b] = box.temperature[0][b];
        box.conductivity[1][b] = box.conductivity[0][b];
      });
    }
}

// After a pass: leave what the faster level is to receive.
void hand_over(const Pass &p, float step_s) {
  for (int64_t i = 0; i < p.foreign; i++) {
    if (p.kind[i] != FASTER) continue;
    const float scale = (p.direction[i] % 2 ? 1.0f : -1.0f) / step_s;
    for (int q = 0; q < 64; q++) p.slots[64 * p.slot[i] + q] = scale * p.flux[64 * i + q];
  }
}

// While nothing has been cooled, heat goes through a face as well: it goes on beyond a tile at rest.
void note_rest(const Box &box, const Pass &p) {
  for (int t = 0; t < p.tiles; t++)
    for (int64_t i = p.face_start[t]; i < p.face_start[t + 1]; i++) {
      if (p.kind[i] != REST) continue;
      each_pair(box, p, i, p.tile[t], [&](int64_t a, int64_t b, int at) {
        Look ours = look(box, box.label[a], box.rest[a]), theirs = look(box, box.label[b], box.rest[b]);
        const bool alike = box.faces[a] & (1 << p.direction[i]);
        const float k = 2.0f * ours.k * theirs.k / (ours.k + theirs.k + 1e-30f);
        p.rest_flow[64 * i + at] = alike ? theirs.theta - ours.theta : k * (theirs.t - ours.t);
      });
    }
}

// Tiles at rest that a step would change by more than `far_k`, were it accepted.
void reach(const Box &box, const Pass &p, float step_s, float far_k, uint8_t *wake) {
  const float always = box.inverse_h2 * step_s;
  for (int t = 0; t < p.tiles; t++)
    for (int64_t i = p.face_start[t]; i < p.face_start[t + 1]; i++) {
      if (p.kind[i] != REST || wake[p.their_tile[i]]) continue;
      bool far = false;
      each_pair(box, p, i, p.tile[t], [&](int64_t, int64_t b, int at) {
        const float change = p.flux[64 * i + at] - p.rest_flow[64 * i + at] * always;
        far |= !(std::fabs(change) * box.media[box.label[b]].t1 <= far_k);
      });
      if (far) wake[p.their_tile[i]] = 1;
    }
}

// What came through the faces is taken from the voxels at rest, but for what always goes through: the balance closes.
void exchange(const Box &box, const Pass &p, float step_s, float wake_k, uint8_t *wake, double *beyond) {
  const float always = box.inverse_h2 * step_s;
  double sum_beyond = 0;
  for (int t = 0; t < p.tiles; t++)
    for (int64_t i = p.face_start[t]; i < p.face_start[t + 1]; i++) {
      if (p.kind[i] != REST) continue;
      bool woken = false;
      each_pair(box, p, i, p.tile[t], [&](int64_t a, int64_t b, int at) {
        const float came = p.flux[64 * i + at];
        if (!(box.faces[b] & 64)) {
          sum_beyond += came;
          return;
        }
        const float usual = p.rest_flow[64 * i + at] * always;
        sum_beyond += usual;
        if (came == usual) return;
        const float h = box.enthalpy[b] -= came - usual;
        const bool unlike = !(box.faces[a] & (1 << p.direction[i]));
        Look now = look(box, box.label[b], h);
        put(box, b, 0, now, unlike);
        put(box, b, 1, now, unlike);
        box.now_c[b] = now.t;
        if (now.t < box.coldest_c[b]) box.coldest_c[b] = now.t;
        woken |= !(std::fabs(h - box.rest[b]) * box.media[box.label[b]].t1 <= wake_k);
      });
      if (woken) wake[p.their_tile[i]] = 1;
    }
  *beyond += sum_beyond;
}

// Lists the faces of `tiles` that lead out of this pass. `where` is the level of each tile of the box, -1 at rest.
int list_faces(const int64_t *beside, const int8_t *where, const uint8_t *solid, const uint8_t *runs,
               const int64_t *tiles, int count, int own, int number, int64_t all_tiles, int32_t *start,
               int64_t *their_tile, int64_t *slot, uint8_t *direction, uint8_t *kind) {
  int n = 0;
  for (int t = 0; t < count; t++) {
    start[t] = n;
    const int64_t mine = tiles[t];
    for (int d = 0; d < 6; d++) {
      const int64_t other = beside[6 * mine + d];
      if (other < 0 || !solid[other]) continue;
      if (t < own ? where[other] == number : runs[other]) continue;
      const int level = where[other], axis = d < 2 ? 2 : d < 4 ? 1 : 0;
      their_tile[n] = other;
      slot[n] = axis * all_tiles + (d % 2 ? mine : other);
      direction[n] = (uint8_t)d;
      kind[n++] = t >= own ? STILL : level < 0 ? REST : level < number ? SLOWER : FASTER;
    }
  }
  start[count] = n;
  return n;
}

inline vf smaller(vf a, vf b) { return choose(a < b, a, b); }
inline vf larger(vf a, vf b) { return choose(a > b, a, b); }

void settle_tile(const Box &box, const Settle &s, int i) {
  const int64_t o = s.tile[i];
  const bool pure = !(s.flags[i] & MIXED);
  vf coldest = all(1e9f), moved{};
  uint8_t stasis = 0;
  for (int r = 0; r < ROWS; r++) {
    int64_t at = o + (r / TY) * box.plane + (r % TY) * box.row;
    vf h = load(box.enthalpy + at), was = load(box.now_c + at);
    vf now = temperature_row(box, at, pure || (box.row_kind[at / TX] & 1), h, -1);
    store(box.now_c + at, now);
    coldest = smaller(coldest, now);
    vf change = now - was;
    moved = larger(moved, larger(change, -change));
    vf lowest = smaller(load(box.coldest_c + at), now);
    store(box.coldest_c + at, lowest);
    if (any(lowest < all(s.stasis_c))) {
      stasis = STASIS;
      for (int l = 0; l < TX; l++)
        if (lowest[l] < s.stasis_c) box.alive[at + l] = 0;
    }
    vf low = smaller(was, now), high = larger(was, now);
    for (int c = 0; c < s.clocks; c++) {
      vf limit = all(s.threshold_c[c]);
      if (!any(low < limit)) continue;
      vf share = (limit - low) / larger(high - low, all(1e-6f));
      share = smaller(larger(share, vf{}), all(1.0f));
      store(s.clock[c] + at, load(s.clock[c] + at) + share * all(s.step_s));
    }
  }
  float least = 1e9f, most = 0;
  for (int l = 0; l < TX; l++) {
    if (!(coldest[l] > least)) least = coldest[l];  // NaN goes through
    if (!(moved[l] < most)) most = moved[l];
  }
  s.low_c[i] = least;
  s.moved_k[i] = most;
  s.new_flags[i] = s.flags[i] | stasis;
}

}  // namespace
}  // namespace iceball

extern "C" {

int iceball_sizes(int which) {
  using namespace iceball;
  const int sizes[] = {sizeof(Box), sizeof(Pass), sizeof(Wells), sizeof(Settle)};
  return sizes[which];
}

void iceball_pass(const iceball::Box *box, const iceball::Pass *pass, iceball::Wells *wells, int threads) {
  if (pass->tiles) iceball::Crew(*box, *pass, wells, threads).run();
}

// What the probes do at this moment.
void iceball_wells(const iceball::Box *box, iceball::Wells *wells) {
  iceball::run_wells(*box, *wells, 0, 0.0, 0.0, true);
}

void iceball_prepare(const iceball::Box *box, const iceball::Pass *pass) { iceball::prepare(*box, *pass); }

void iceball_hand_over(const iceball::Pass *pass, float step_s) { iceball::hand_over(*pass, step_s); }

void iceball_note_rest(const iceball::Box *box, const iceball::Pass *pass) { iceball::note_rest(*box, *pass); }

void iceball_reach(const iceball::Box *box, const iceball::Pass *pass, float step_s, float far_k, uint8_t *wake) {
  iceball::reach(*box, *pass, step_s, far_k, wake);
}

void iceball_exchange(const iceball::Box *box, const iceball::Pass *pass, float step_s, float wake_k, uint8_t *wake,
                      double *beyond) {
  iceball::exchange(*box, *pass, step_s, wake_k, wake, beyond);
}

// Copies the enthalpy of the tiles to `before`, or back.
void iceball_keep(const iceball::Box *box, const int64_t *tile, int tiles, int back) {
  using namespace iceball;
  for (int i = 0; i < tiles; i++)
    for (int r = 0; r < ROWS; r++) {
      int64_t at = tile[i] + (r / TY) * box->plane + (r % TY) * box->row;
      if (!back) {
        store(box->before + at, load(box->enthalpy + at));
        continue;
      }
      store(box->enthalpy + at, load(box->before + at));
      temperature_row(*box, at, box->row_kind[at / TX] & 1, load(box->before + at), 0);
    }
}

int iceball_list_faces(const int64_t *beside, const int8_t *where, const uint8_t *solid, const uint8_t *runs,
                       const int64_t *tiles, int count, int own, int number, int64_t all_tiles, int32_t *start,
                       int64_t *their_tile, int64_t *slot, uint8_t *direction, uint8_t *kind) {
  return iceball::list_faces(beside, where, solid, runs, tiles, count, own, number, all_tiles, start, their_tile, slot,
                             direction, kind);
}

void iceball_settle(const iceball::Box *box, const iceball::Settle *settle, int threads) {
  std::vector<std::thread> others;
  auto work = [&](int t) {
    for (int64_t i = (int64_t)settle->tiles * t / threads; i < (int64_t)settle->tiles * (t + 1) / threads; i++)
      iceball::settle_tile(*box, *settle, (int)i);
  };
  for (int t = 1; t < threads; t++) others.emplace_back(work, t);
  work(0);
  for (auto &other : others) other.join();
}
}
