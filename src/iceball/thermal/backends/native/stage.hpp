// One stage of super-time-stepping on one tile: conduction, blood, probes and skin, and the recursion of RKL.
#pragma once
#include "media.hpp"

namespace iceball {

struct Stage {
  float carry, weight, back, again;
  bool first, second_order;
  int cur;
};

struct Sums {
  vf blood{}, cells{}, boundary{};
};

// One of the fields that neighbours see: a tile's own rows, and those around it. A tile that is not stepped in this pass
// stands still; it is read where every pass leaves its result, in buffer 0.
struct Around {
  const float *own, *near[6];

  Around(const Box &box, float *const *buffers, int tile, uint8_t live, int cur) {
    own = buffers[cur] + (int64_t)VOXELS * tile;
    for (int d = 0; d < 6; d++)
      near[d] = buffers[live >> d & 1 ? cur : 0] + (int64_t)VOXELS * box.beside[6 * (int64_t)tile + d];
  }
  vf here(int r) const { return load(own + TX * r); }
  vf beside(int r, int d) const {
    const int y = r % TY, z = r / TY;
    switch (d) {
      case 0: return shift_up(load(near[0] + TX * r), here(r));
      case 1: return shift_down(here(r), load(near[1] + TX * r));
      case 2: return load(y > 0 ? own + TX * (r - 1) : near[2] + TX * (r + TY - 1));
      case 3: return load(y < TY - 1 ? own + TX * (r + 1) : near[3] + TX * (r - TY + 1));
      case 4: return load(z > 0 ? own + TX * (r - TY) : near[4] + TX * (r + ROWS - TY));
      default: return load(z < TZ - 1 ? own + TX * (r + TY) : near[5] + TX * (r - ROWS + TY));
    }
  }
};

inline vf laplacian(const Around &p, int r) {
  return ((p.beside(r, 0) + p.beside(r, 1)) + (p.beside(r, 2) + p.beside(r, 3)) + (p.beside(r, 4) + p.beside(r, 5))) -
         6.0f * p.here(r);
}

inline vf harmonic(vf ka, vf kb) { return 2.0f * ka * kb * inverse(ka + kb + all(1e-30f)); }

// All that neighbours see.
struct View {
  Around p, t, k;

  View(const Box &box, int tile, uint8_t live, int cur)
      : p(box, box.potential, tile, live, cur), t(box, box.temperature, tile, live, cur),
        k(box, box.conductivity, tile, live, cur) {}
  vf flow(vi faces, int r, int d) const {
    const vf like = p.beside(r, d) - p.here(r);
    if (!any_without(faces, 1 << d)) return like;
    const vf unlike = harmonic(k.here(r), k.beside(r, d)) * (t.beside(r, d) - t.here(r));
    return choose((faces & (1 << d)) == 0, unlike, like);
  }
};

// The state of one tile.
struct Own {
  float *h, *step, *before, *first;

  Own(const Box &box, int tile) {
    h = box.own + (int64_t)4 * VOXELS * tile;
    step = h + VOXELS, before = h + 2 * VOXELS, first = h + 3 * VOXELS;
  }
  // The recursion in difference form: what this stage adds to row r.
  vf change(const Stage &s, int r, vf rate, vf now) const {
    const int at = TX * r;
    vf d = all(s.weight) * rate;
    if (s.first) {
      store(before + at, now);
      if (s.second_order) store(first + at, rate);
      return d;
    }
    d += all(s.carry) * load(step + at);
    if (s.second_order) d += all(s.back) * (now - load(before + at)) + all(s.again) * load(first + at);
    return d;
  }
  void take(int r, vf now, vf d) const {
    store(step + TX * r, d);
    store(h + TX * r, now + d);
  }
};

// Rows that are freezing are the exception: kept apart, so that what the others need fits the processor's cache.
inline __attribute__((noinline)) Living living_mushy(const Box &box, const Pure &m, vf h) { return living(box, m, h); }
inline __attribute__((noinline)) vf potential_mushy(const Box &box, const Pure &m, vf h) { return potential_of(box, m, h); }

inline Living living_of(const Box &box, const Pure &m, vf h, vf blood0, vf blood1, vf cells) {
  if (!any_less(h, m.straight())) return {blood0 - blood1 * h, cells};
  if (!any_less(m.thaws(), h)) return {vf{}, vf{}};
  return living_mushy(box, m, h);
}

inline vf potential_quick(const Box &box, const Pure &m, vf h) {
  if (!any_less(h, m.straight())) return m.p0() + m.p1() * h;
  if (!all_less(h, m.thaws())) return potential_mushy(box, m, h);
  return read(box, place((h - all(m.m.low[0])) * all(m.m.inverse[0]), vi{}, vi{} + m.label * PIECES), P);
}

// A tile of one tissue, all of which may change; PLAIN where nothing but conduction and blood does anything.
template <bool FIRST, bool PLAIN>
inline void pure_rows(const Box &box, const Stage &s, int tile, uint8_t flags, const Around &p, bool guess,
                      const float *through, Sums &sums) {
  const Own own(box, tile);
  const Pure m = pure(box, box.tile_label[tile]);
  const int64_t base = (int64_t)VOXELS * tile;
  const vf inverse_h2 = all(box.inverse_h2), straight = m.straight(), cells = m.metabolic();
  const vf blood0 = m.perfusion() * (all(box.arterial_c) - m.t0()), blood1 = m.perfusion() * m.t1();
  const vf weight = all(s.weight), carry = all(s.carry), back = all(s.back), again = all(s.again);
  vf all_blood{}, all_cells{};
  for (int z = 0; z < TZ; z++)
#pragma GCC unroll 4
    for (int y = 0; y < TY; y++) {
      const int r = TY * z + y, at = TX * r;
      const vf here = p.here(r), h = load(own.h + at);
      const vf along = shift_up(load(p.near[0] + at), here) + shift_down(here, load(p.near[1] + at));
      const vf across = load(y > 0 ? p.own + at - TX : p.near[2] + at + (TY - 1) * TX) +
                        load(y < TY - 1 ? p.own + at + TX : p.near[3] + at - (TY - 1) * TX);
      const vf over = load(z > 0 ? p.own + at - TY * TX : p.near[4] + at + (ROWS - TY) * TX) +
                      load(z < TZ - 1 ? p.own + at + TY * TX : p.near[5] + at - (ROWS - TY) * TX);
      vf rate = ((along + across) + over - 6.0f * here) * inverse_h2;
      Living l = living_of(box, m, h, blood0, blood1, cells);
      if (!PLAIN && flags & STASIS) {
        const vf alive = __builtin_convertvector(widen(box.alive + base + at), vf);
        l.blood *= alive, l.cells *= alive;
      }
      all_blood += l.blood;
      all_cells += l.cells;
      rate += l.blood + l.cells;
      if (!PLAIN && through) rate += load(through + at);
      if (!PLAIN && flags & WELL) rate += load(box.well_heat + base + at);
      vf d = weight * rate;
      if (FIRST) {
        store(own.before + at, h);
        store(own.first + at, rate);
      } else {
        d += carry * load(own.step + at);
        if (s.second_order) d += back * (h - load(own.before + at)) + again * load(own.first + at);
      }
      if (!PLAIN && guess) d = choose((FIRST ? h : load(own.before + at)) < straight, vf{}, d);
      const vf now = h + d;
      store(own.step + at, d);
      store(own.h + at, now);
      store(box.potential[1 - s.cur] + base + at, potential_quick(box, m, now));
    }
  sums.blood = all_blood, sums.cells = all_cells;
}

inline __attribute__((noinline)) void pure_tile(const Box &box, const Stage &s, int tile, uint8_t flags, uint8_t live,
                                                bool guess, const float *through, Sums &sums) {
  const Around p(box, box.potential, tile, live, s.cur);
  const bool plain = !(flags & (STASIS | WELL)) && !guess && !through;
  if (s.first)
    pure_rows<true, false>(box, s, tile, flags, p, guess, through, sums);
  else if (plain)
    pure_rows<false, true>(box, s, tile, flags, p, guess, through, sums);
  else
    pure_rows<false, false>(box, s, tile, flags, p, guess, through, sums);
}

template <class Matter>
inline void mixed_row(const Box &box, const Stage &s, const View &view, const Own &own, const Matter &m, int tile, int r,
                      uint8_t flags, bool guess, const float *through, Sums &sums) {
  const int64_t at = (int64_t)VOXELS * tile + TX * r;
  const uint8_t kind = box.row_kind[at / TX];
  const bool alike = kind & 2, free = kind & 4;
  const vi faces = widen(box.faces + at);
  const auto moving = [&](vf x) { return free ? x : choose((faces & 64) != 0, x, vf{}); };
  vf h = load(own.h + TX * r), rate{};
  if (alike)
    rate = laplacian(view.p, r);
  else
    for (int d = 0; d < 6; d++) rate += view.flow(faces, r, d);
  rate *= all(box.inverse_h2);
  if (through) rate += load(through + TX * r);
  if (!free) sums.boundary -= rate - moving(rate);
  rate = moving(rate);
  if (!(flags & DRY)) {
    Living l = alike ? living(box, m, h) : living(box, m, h, view.t.here(r));
    if (flags & STASIS) {
      const vf alive = __builtin_convertvector(widen(box.alive + at), vf);
      l.blood *= alive, l.cells *= alive;
    }
    l.blood = moving(l.blood), l.cells = moving(l.cells);
    sums.blood += l.blood;
    sums.cells += l.cells;
    rate += l.blood + l.cells;
  }
  if (flags & EXTRA) {
    vf extra = load(box.given + at) - load(box.per_k + at) * temperature_of(box, m, h) -
               load(box.per_potential + at) * view.p.here(r);
    extra = moving(extra);
    sums.boundary += extra;
    rate += extra;
  }
  if (flags & WELL) rate += moving(load(box.well_heat + at));
  vf d = moving(own.change(s, r, rate, h));
  if (guess) d = choose(load(own.before + TX * r) < m.straight(), vf{}, d);
  own.take(r, h, d);
  show(box, m, at, h + d, 1 - s.cur, !alike);
}

inline __attribute__((noinline)) void mixed_tile(const Box &box, const Stage &s, int tile, uint8_t flags, uint8_t live,
                                                 bool guess, const float *through, Sums &sums) {
  const View view(box, tile, live, s.cur);
  const Own own(box, tile);
  for (int r = 0; r < ROWS; r++)
    with_matter(box, (int64_t)VOXELS * tile + TX * r, [&](const auto &m) {
      mixed_row(box, s, view, own, m, tile, r, flags, guess, through, sums);
    });
}

}  // namespace iceball
