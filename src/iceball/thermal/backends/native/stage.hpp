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

// Where the row beside row r lies in directions 2 to 5: in this tile or in the next, and which one.
struct RowBeside {
  uint8_t far, row;
};
constexpr RowBeside row_beside(int r, int d) {
  const int y = r % TY, z = r / TY;
  switch (d) {
    case 2: return y > 0 ? RowBeside{0, (uint8_t)(r - 1)} : RowBeside{1, (uint8_t)(r + TY - 1)};
    case 3: return y < TY - 1 ? RowBeside{0, (uint8_t)(r + 1)} : RowBeside{1, (uint8_t)(r - TY + 1)};
    case 4: return z > 0 ? RowBeside{0, (uint8_t)(r - TY)} : RowBeside{1, (uint8_t)(r + ROWS - TY)};
    default: return z < TZ - 1 ? RowBeside{0, (uint8_t)(r + TY)} : RowBeside{1, (uint8_t)(r - ROWS + TY)};
  }
}
struct RowsBeside {
  RowBeside at[ROWS][4];
  constexpr RowsBeside() : at() {
    for (int r = 0; r < ROWS; r++)
      for (int d = 0; d < 4; d++) at[r][d] = row_beside(r, d + 2);
  }
};
constexpr RowsBeside ROWS_BESIDE{};

// All that neighbours see.
struct View {
  Around p, t, k;

  View(const Box &box, int tile, uint8_t live, int cur)
      : p(box, box.potential, tile, live, cur), t(box, box.temperature, tile, live, cur),
        k(box, box.conductivity, tile, live, cur) {}
  // `unlike` holds the bits of the directions in which some neighbour is of another material: only there one looks.
  vf flow(vi faces, int r, unsigned unlike) const {
    if (!unlike) return laplacian(p, r);
    const vf pa = p.here(r), ta = t.here(r), ka = k.here(r);
    const auto alike = [&](int d) { return (faces & (1 << d)) != 0; };
    vf rate{};
    for (int d = 0; d < 6; d++) rate += choose(alike(d), p.beside(r, d) - pa, vf{});
    const auto other = [&](int d, vf kb, vf tb) { return choose(alike(d), vf{}, harmonic(ka, kb) * (tb - ta)); };
    if (unlike & 1) rate += other(0, k.beside(r, 0), t.beside(r, 0));
    if (unlike & 2) rate += other(1, k.beside(r, 1), t.beside(r, 1));
    for (unsigned left = unlike >> 2; left; left &= left - 1) {
      const int d = __builtin_ctz(left);
      const RowBeside to = ROWS_BESIDE.at[r][d];
      const auto get = [&](const Around &a) { return load((to.far ? a.near[d + 2] : a.own) + TX * to.row); };
      rate += other(d + 2, get(k), get(t));
    }
    return rate;
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
inline __attribute__((noinline)) Living living_looked_up(const Box &box, const Pure &m, vf h) { return living(box, m, h); }
inline __attribute__((noinline)) vf potential_looked_up(const Box &box, const Pure &m, vf h) {
  return read(box, m.find(h), P);
}

inline vf potential_quick(const Box &box, const Pure &m, vf h) {
  const vf line = m.p0() + m.p1() * h;
  if (!any_less(h, m.straight())) return line;
  const Smooth &s = box.smooth[m.label];
  return s.good ? Smoothly(s, h).potential(h, line) : potential_looked_up(box, m, h);
}

// What a row of one tissue needs to know of it.
struct Quick {
  Pure m;
  vf straight, blood0, blood1, cells;

  Quick(const Box &box, int label)
      : m(pure(box, label)), straight(m.straight()),
        blood0(m.perfusion() * (all(box.arterial_c) - m.t0())), blood1(m.perfusion() * m.t1()), cells(m.metabolic()) {}
};

inline Living living_of(const Box &box, const Quick &q, vf h) {
  const Pure &m = q.m;
  const vf line = q.blood0 - q.blood1 * h;
  if (!any_less(h, q.straight)) return {line, q.cells};
  if (!any_less(m.thaws(), h)) return {vf{}, vf{}};
  const Smooth &s = box.smooth[m.label];
  if (!s.good) return living_looked_up(box, m, h);
  const Smoothly at(s, h);
  const vf blood = at.merge(vf{}, m.perfusion() * polynomial(s.blood, at.y), line);
  if (m.m.metabolic == 0) return {blood, vf{}};
  return {blood, at.merge(vf{}, m.metabolic() * polynomial(s.unfrozen, at.y), q.cells)};
}

// A row of one tissue that meets no other and may change; PLAIN where nothing but conduction and blood does anything.
template <bool FIRST, bool PLAIN>
inline __attribute__((always_inline)) void pure_row(const Box &box, const Stage &s, const Own &own, const Around &p,
                                                    const Quick &q, int tile, int z, int y, uint8_t flags, bool guess,
                                                    const float *through, Sums &sums) {
  const int64_t base = (int64_t)VOXELS * tile;
  const int at = TX * (TY * z + y);
  const vf here = load(p.own + at), h = load(own.h + at);
  const vf along = shift_up(load(p.near[0] + at), here) + shift_down(here, load(p.near[1] + at));
  const vf across = load(y > 0 ? p.own + at - TX : p.near[2] + at + (TY - 1) * TX) +
                    load(y < TY - 1 ? p.own + at + TX : p.near[3] + at - (TY - 1) * TX);
  const vf over = load(z > 0 ? p.own + at - TY * TX : p.near[4] + at + (ROWS - TY) * TX) +
                  load(z < TZ - 1 ? p.own + at + TY * TX : p.near[5] + at - (ROWS - TY) * TX);
  vf rate = ((along + across) + over - 6.0f * here) * all(box.inverse_h2);
  Living l = living_of(box, q, h);
  if (!PLAIN && flags & STASIS) {
    const vf alive = __builtin_convertvector(widen(box.alive + base + at), vf);
    l.blood *= alive, l.cells *= alive;
  }
  sums.blood += l.blood;
  sums.cells += l.cells;
  rate += l.blood + l.cells;
  if (!PLAIN && through) rate += load(through + at);
  if (!PLAIN && flags & WELL) rate += load(box.well_heat + base + at);
  vf d = all(s.weight) * rate;
  if (FIRST) {
    store(own.before + at, h);
    store(own.first + at, rate);
  } else {
    d += all(s.carry) * load(own.step + at);
    if (s.second_order) d += all(s.back) * (h - load(own.before + at)) + all(s.again) * load(own.first + at);
  }
  if (!PLAIN && guess) d = choose((FIRST ? h : load(own.before + at)) < q.straight, vf{}, d);
  const vf now = h + d;
  store(own.step + at, d);
  store(own.h + at, now);
  store(box.potential[1 - s.cur] + base + at, potential_quick(box, q.m, now));
}

// A tile of one tissue, all of which may change.
template <bool FIRST, bool PLAIN>
inline void pure_rows(const Box &box, const Stage &s, int tile, uint8_t flags, const Around &p, bool guess,
                      const float *through, Sums &sums) {
  const Own own(box, tile);
  const Quick q(box, box.tile_label[tile]);
  Sums mine;
  for (int z = 0; z < TZ; z++)
#pragma GCC unroll 4
    for (int y = 0; y < TY; y++) pure_row<FIRST, PLAIN>(box, s, own, p, q, tile, z, y, flags, guess, through, mine);
  sums = mine;
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

// A tile of one thawed tissue, by RKL1: all is linear there, and the potential alone tells the state. The enthalpy is
// left as it was until the last stage.
template <bool FIRST, bool LAST>
inline void thawed_rows(const Box &box, const Stage &s, int tile, const Around &p, Sums &sums) {
  const Own own(box, tile);
  const Medium &m = box.media[box.tile_label[tile]];
  const float blood1 = m.perfusion * m.t1, per_p1 = 1.0f / m.p1;
  const float blood0 = m.perfusion * (box.arterial_c - m.t0) + blood1 * per_p1 * m.p0;
  const vf flow = all(s.weight * m.p1 * box.inverse_h2), carry = all(s.carry);
  const vf given = all(s.weight * m.p1 * (blood0 + m.metabolic)), taken = all(s.weight * blood1);
  float *next = box.potential[1 - s.cur] + (int64_t)VOXELS * tile;
  vf potentials{};
  for (int z = 0; z < TZ; z++)
#pragma GCC unroll 4
    for (int y = 0; y < TY; y++) {
      const int at = TX * (TY * z + y);
      const vf here = load(p.own + at);
      const vf along = shift_up(load(p.near[0] + at), here) + shift_down(here, load(p.near[1] + at));
      const vf across = load(y > 0 ? p.own + at - TX : p.near[2] + at + (TY - 1) * TX) +
                        load(y < TY - 1 ? p.own + at + TX : p.near[3] + at - (TY - 1) * TX);
      const vf over = load(z > 0 ? p.own + at - TY * TX : p.near[4] + at + (ROWS - TY) * TX) +
                      load(z < TZ - 1 ? p.own + at + TY * TX : p.near[5] + at - (ROWS - TY) * TX);
      vf d = flow * ((along + across) + over - 6.0f * here) + given - taken * here;
      if (!FIRST) d += carry * load(own.step + at);
      potentials += here;
      const vf now = here + d;
      store(next + at, now);
      if (!LAST) store(own.step + at, d);
      if (LAST) {
        store(own.before + at, load(own.h + at));
        store(own.h + at, (now - all(m.p0)) * all(per_p1));
      }
    }
  sums.blood = all(blood0) * (float)ROWS - all(blood1 * per_p1) * potentials;
  sums.cells = all(m.metabolic * ROWS);
}

inline __attribute__((noinline)) void thawed_tile(const Box &box, const Stage &s, int tile, uint8_t live, bool last,
                                                  Sums &sums) {
  const Around p(box, box.potential, tile, live, s.cur);
  if (s.first)
    thawed_rows<true, false>(box, s, tile, p, sums);
  else if (last)
    thawed_rows<false, true>(box, s, tile, p, sums);
  else
    thawed_rows<false, false>(box, s, tile, p, sums);
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
  rate = view.flow(faces, r, box.row_unlike[at / TX]) * all(box.inverse_h2);
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
  // Rows of a kind one after the other: the processor then guesses right which way they go.
  const uint8_t *kind = box.row_kind + (int64_t)ROWS * tile, *label = box.label + (int64_t)VOXELS * tile;
  unsigned quick = 0, pure_ones = 0;
  for (int r = 0; r < ROWS; r++) quick |= (unsigned)(kind[r] == 7) << r, pure_ones |= (unsigned)(kind[r] & 1) << r;
  if (flags & EXTRA) quick = 0;
  for (unsigned left = quick; left; left &= left - 1) {
    const int r = __builtin_ctz(left);
    const Quick q(box, label[TX * r]);
    if (s.first)
      pure_row<true, false>(box, s, own, view.p, q, tile, r / TY, r % TY, flags, guess, through, sums);
    else
      pure_row<false, false>(box, s, own, view.p, q, tile, r / TY, r % TY, flags, guess, through, sums);
  }
  for (unsigned left = pure_ones & ~quick; left; left &= left - 1) {
    const int r = __builtin_ctz(left);
    mixed_row(box, s, view, own, pure(box, label[TX * r]), tile, r, flags, guess, through, sums);
  }
  for (unsigned left = ~pure_ones & 0xffff; left; left &= left - 1) {
    const int r = __builtin_ctz(left);
    mixed_row(box, s, view, own, blend(box, (int64_t)VOXELS * tile + TX * r), tile, r, flags, guess, through, sums);
  }
}

}  // namespace iceball
