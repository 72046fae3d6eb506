// Materials over their enthalpy: rows of one material, and rows in which each voxel has its own.
#pragma once
#include "lanes.hpp"

namespace iceball {

enum Curve { T, P, K, F };  // temperature, potential, conductivity, unfrozen fraction
constexpr int STRIDE = sizeof(Medium) / sizeof(float);
constexpr float NEVER = 3e38f;

// Where an enthalpy lies in its material's table.
struct Place {
  vi node;
  vf part;
};

inline vf read(const Box &box, Place p, Curve curve) {
  const Pair found = gather_pairs(box.curves + (int64_t)curve * box.materials * PIECES * 2, p.node);
  return found.value + p.part * found.step;
}

inline Place place(vf full, vi first, vi base) {
  vi node = __builtin_convertvector(full, vi), last = (vi{} + PIECES - 1) - first;
  node = node < 0 ? vi{} : node;  // also where it is not a number
  node = node > last ? last : node;
  return {node + first + base, full - __builtin_convertvector(node, vf)};
}

// One material in the whole row.
struct Pure {
  const Medium &m;
  int label;

  vf straight() const { return all(m.straight); }
  vf thaws() const { return all(m.low[1]); }
  vf t0() const { return all(m.t0); }
  vf t1() const { return all(m.t1); }
  vf p0() const { return all(m.p0); }
  vf p1() const { return all(m.p1); }
  vf k() const { return all(m.k); }
  vf perfusion() const { return all(m.perfusion); }
  vf metabolic() const { return all(m.metabolic); }

  Place find(vf h) const {
    vi base = vi{} + label * PIECES;
    if (all_less(h, all(m.low[1]))) return place((h - all(m.low[0])) * all(m.inverse[0]), vi{}, base);
    vi g1 = h >= all(m.low[1]), g2 = h >= all(m.low[2]);
    vf low = choose(g2, all(m.low[2]), choose(g1, all(m.low[1]), all(m.low[0])));
    vf inverse = choose(g2, all(m.inverse[2]), choose(g1, all(m.inverse[1]), all(m.inverse[0])));
    vi first = g2 ? (vi{} + FIRST2) : (g1 ? (vi{} + FIRST1) : vi{});
    return place((h - low) * inverse, first, base);
  }
};

// A material of its own for each voxel.
struct Blend {
  const Box &box;
  vi label;

  vf of(int n) const {
    if (box.few) return pick(box.few + TX * n, label);
    return gather(reinterpret_cast<const float *>(box.media) + n, label * STRIDE);
  }
  vf straight() const { return of(6); }
  vf thaws() const { return of(1); }
  vf t0() const { return of(7); }
  vf t1() const { return of(8); }
  vf p0() const { return of(9); }
  vf p1() const { return of(10); }
  vf k() const { return of(11); }
  vf perfusion() const { return of(12); }
  vf metabolic() const { return of(13); }

  Place find(vf h) const {
    const vf low1 = of(1), low2 = of(2);
    const vi g1 = h >= low1, g2 = h >= low2, first = g2 ? (vi{} + FIRST2) : (g1 ? (vi{} + FIRST1) : vi{});
    const vf low = choose(g2, low2, choose(g1, low1, of(0)));
    const vf steep = choose(g2, of(5), choose(g1, of(4), of(3)));
    return place((h - low) * steep, first, label * PIECES);
  }
};

inline Pure pure(const Box &box, int label) { return {box.media[label], label}; }
inline Blend blend(const Box &box, int64_t at) { return {box, widen(box.label + at)}; }

template <class Matter>
inline vf temperature_of(const Box &box, const Matter &m, vf h) {
  return any_less(h, m.straight()) ? read(box, m.find(h), T) : m.t0() + m.t1() * h;
}

template <int TERMS>
inline vf polynomial(const float (&c)[TERMS], vf x) {
  vf y = all(c[TERMS - 1]);
  for (int n = TERMS - 2; n >= 0; n--) y = y * x + all(c[n]);
  return y;
}

// A row of a smooth material: polynomials instead of tables.
struct Smoothly {
  const Smooth &s;
  vf y;
  vi frozen, mushy;

  Smoothly(const Smooth &s, vf h)
      : s(s), y((h - all(s.mushy_middle)) * all(s.mushy_scale)), frozen(h < all(s.thaws)), mushy(h < all(s.straight)) {}
  vf merge(vf cold, vf between, vf line) const { return choose(frozen, cold, choose(mushy, between, line)); }
  vf potential(vf h, vf line) const {
    const vf x = (h - all(s.middle)) * all(s.scale), one = all(1.0f);
    const vf cold = polynomial(s.cold, larger(x, -one)) + all(s.slope) * smaller(x + one, vf{});
    if (!any(~frozen)) return cold;
    return merge(cold, polynomial(s.mushy, y), line);
  }
};

inline vf potential_of(const Box &box, const Pure &m, vf h) {
  const vf line = m.p0() + m.p1() * h;
  if (!any_less(h, m.straight())) return line;
  const Smooth &s = box.smooth[m.label];
  return s.good ? Smoothly(s, h).potential(h, line) : read(box, m.find(h), P);
}

inline vf potential_of(const Box &box, const Blend &m, vf h) {
  return any_less(h, m.straight()) ? read(box, m.find(h), P) : m.p0() + m.p1() * h;
}

// Leave what neighbours need to see of a row; `unlike` where one of them is of another material.
template <class Matter>
inline void show(const Box &box, const Matter &m, int64_t at, vf h, int buffer, bool unlike) {
  if (!any_less(h, m.straight())) {
    store(box.potential[buffer] + at, m.p0() + m.p1() * h);
    if (unlike) store(box.temperature[buffer] + at, m.t0() + m.t1() * h), store(box.conductivity[buffer] + at, m.k());
    return;
  }
  store(box.potential[buffer] + at, potential_of(box, m, h));
  if (!unlike) return;
  const Place p = m.find(h);
  store(box.temperature[buffer] + at, read(box, p, T));
  store(box.conductivity[buffer] + at, read(box, p, K));
}

// Blood and metabolism of a row: dH/dt of each.
struct Living {
  vf blood, cells;
};

template <class Matter>
inline Living living(const Box &box, const Matter &m, vf h) {
  if (!any_less(h, m.straight()))
    return {m.perfusion() * (all(box.arterial_c) - m.t0() - m.t1() * h), m.metabolic()};
  if (!any_less(m.thaws(), h)) return {vf{}, vf{}};
  const Place p = m.find(h);
  const vf f = read(box, p, F);
  return {m.perfusion() * f * (all(box.arterial_c) - read(box, p, T)), m.metabolic() * f};
}

// The same where the temperature is known.
template <class Matter>
inline Living living(const Box &box, const Matter &m, vf h, vf t) {
  const vi thawed = h >= m.straight();
  if (!any_less(m.thaws(), h)) return {vf{}, vf{}};
  const vf f = any(~thawed & (h > m.thaws())) ? read(box, m.find(h), F) : choose(thawed, all(1.0f), vf{});
  return {m.perfusion() * f * (all(box.arterial_c) - t), m.metabolic() * f};
}

// Do the same with a row of whatever kind.
template <class Visit>
inline auto with_matter(const Box &box, int64_t at, Visit visit) {
  if (box.row_kind[at / TX] & 1) return visit(pure(box, box.label[at]));
  return visit(blend(box, at));
}

}  // namespace iceball
