// Where the tiles of a pass meet tiles of another level, or at rest.
#pragma once
#include "stage.hpp"

namespace iceball {

constexpr int SIDE = VOXELS / TX / TY;       // vectors of a face: four rows, or one voxel each of sixteen rows
constexpr int FACE = VOXELS / TY;

// A face of a tile in direction d, seen from this side or from that.
struct Face {
  int d;
  bool theirs;

  int count() const { return d < 2 ? 1 : SIDE; }
  bool across() const { return d < 2; }      // each row touches with one voxel
  int lane() const { return (d % 2 == 1) != theirs ? TX - 1 : 0; }
  int row(int q) const {
    const bool far = (d % 2 == 1) != theirs;
    return d < 4 ? TY * q + (far ? TY - 1 : 0) : (far ? ROWS - TY : 0) + q;
  }
  vf get(const float *tile, int q) const {
    if (!across()) return load(tile + TX * row(q));
    vi rows = vi{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} * TX;
    return gather(tile + lane(), rows);
  }
  vi get(const uint8_t *tile, int q) const {
    if (!across()) return widen(tile + TX * row(q));
    vi found;
    for (int r = 0; r < ROWS; r++) found[r] = tile[TX * r + lane()];
    return found;
  }
};

// Heat that flows into `tile` through each pair of voxels of a face [W/m].
inline vf flow_through(const Box &box, int tile, int other, int d, int q, int cur, int theirs) {
  const int64_t a = (int64_t)VOXELS * tile, b = (int64_t)VOXELS * other;
  const Face here{d, false}, there{d, true};
  const vf like = there.get(box.potential[theirs] + b, q) - here.get(box.potential[cur] + a, q);
  if (!(box.flags[tile] & MIXED)) return like;
  const vi unlike = (here.get(box.faces + a, q) & (1 << d)) == 0;
  if (!any(unlike)) return like;
  const vf k = harmonic(here.get(box.conductivity[cur] + a, q), there.get(box.conductivity[theirs] + b, q));
  return choose(unlike, k * (there.get(box.temperature[theirs] + b, q) - here.get(box.temperature[cur] + a, q)), like);
}

inline float sign_of(int d) { return d % 2 ? 1.0f : -1.0f; }

// Faces of one tile during a stage. A slower level has been stepped already: what it let through is imposed, `through`
// holds it instead of what flows now. Through the others, what flows is counted.
inline const float *run_faces(const Box &box, const Pass &p, int i, int stage, int cur, float *through) {
  const int from = p.face_start[i], to = p.face_start[i + 1];
  const float share = (float)(p.share[stage] * box.inverse_h2);
  bool imposed = false;
  for (int n = from; n < to; n++) {
    const int d = p.direction[n];
    const Face here{d, false};
    const int theirs = p.live[i] >> d & 1 ? cur : 0;
    for (int q = 0; q < here.count(); q++) {
      const vf flow = flow_through(box, p.tile[i], p.their_tile[n], d, q, cur, theirs);
      if (p.kind[n] != SLOWER) {
        float *flux = p.flux + FACE * (int64_t)n + TX * q;
        store(flux, (stage == 0 ? vf{} : load(flux)) + all(share) * flow);
        continue;
      }
      if (!imposed) std::memset(through, 0, sizeof(float) * VOXELS);
      imposed = true;
      const vf given = all(sign_of(d)) * load(box.slots + FACE * (int64_t)p.slot[n] + TX * q);
      const vf instead = given - flow * all(box.inverse_h2);
      if (here.across())
        for (int r = 0; r < ROWS; r++) through[TX * r + here.lane()] += instead[r];
      else
        store(through + TX * here.row(q), load(through + TX * here.row(q)) + instead);
    }
  }
  return imposed ? through : nullptr;
}

// After a pass: leave what the faster level is to receive.
inline void hand_over(const Box &box, const Pass &p, float step_s, int n) {
  if (p.kind[n] != FASTER) return;
  const vf scale = all(sign_of(p.direction[n]) / step_s);
  for (int q = 0; q < Face{p.direction[n], false}.count(); q++)
    store(box.slots + FACE * (int64_t)p.slot[n] + TX * q, scale * load(p.flux + FACE * (int64_t)n + TX * q));
}

// Heat that goes through all faces while nothing has been cooled; of each tile those toward higher indices.
inline void note_rest(const Box &box, float *flow, int tile) {
  for (int d = 1; d < 6; d += 2) {
    const int other = box.beside[6 * (int64_t)tile + d];
    float *out = flow + FACE * ((int64_t)(d / 2) * box.tiles + tile);
    for (int q = 0; q < Face{d, false}.count(); q++) store(out + TX * q, flow_through(box, tile, other, d, q, 0, 0));
  }
}

// What came through a face to a tile at rest in this step, and what always goes through [J/m³].
struct Came {
  vf all_of_it, usual;
};

inline Came came(const Box &box, const Pass &p, float step_s, int n, int q) {
  const vf always = all(box.inverse_h2 * step_s * sign_of(p.direction[n]));
  return {load(p.flux + FACE * (int64_t)n + TX * q),
          always * load(box.rest_flow + FACE * (int64_t)p.slot[n] + TX * q)};
}

// What comes to a tile at rest goes as deep as heat goes in a step. Left at the surface, it would overshoot there.
constexpr int DEPTH = 4;
static_assert(DEPTH == TY && DEPTH == TZ && DEPTH <= TX, "heat is laid down within one tile");

// Voxel `depth` below pair l of vector q of a face.
inline int below(int d, int q, int l, int depth) {
  const Face there{d, true};
  const int inward = d % 2 ? depth : -depth;
  if (d < 2) return TX * l + there.lane() + inward;
  return TX * (there.row(q) + inward * (d < 4 ? 1 : TY)) + l;
}

// Whether temperature and potential have changed by less than `limit_k`: a tile that is not stepped passes nothing on,
// which tells most where heat is conducted well.
constexpr float TISSUE_W_PER_M_K = 0.5f;
inline bool little(vf change_k, vf change_w_per_m, float limit_k) {
  const vf much = larger(size_of(change_k), size_of(change_w_per_m) * all(1.0f / TISSUE_W_PER_M_K));
  return !any(~(much <= all(limit_k)));
}

// Whether a step would change the tile at rest behind a face by more than `far_k`, were it accepted.
inline bool reaches(const Box &box, const Pass &p, float step_s, float far_k, int n) {
  if (p.kind[n] != REST) return false;
  const Face there{p.direction[n], true};
  for (int q = 0; q < there.count(); q++) {
    const Came c = came(box, p, step_s, n, q);
    const vf change = (c.all_of_it - c.usual) * (1.0f / DEPTH);
    if (!any(change != vf{})) continue;
    const Blend m{box, there.get(box.label + (int64_t)VOXELS * p.their_tile[n], q)};
    if (!little(change * m.t1(), change * m.p1(), far_k)) return true;
  }
  return false;
}

// What came through a face is taken from the voxels at rest, but for what always goes through: the balance closes. Says
// whether they have got warmer or colder.
inline bool exchange(const Box &box, const Pass &p, float step_s, int n, double *beyond) {
  bool changed = false;
  const int other = p.their_tile[n], d = p.direction[n];
  const Face there{d, true};
  const uint8_t *faces = box.faces + (int64_t)VOXELS * other;
  float *h = Own(box, other).h;
  for (int q = 0; q < there.count(); q++) {
    const Came c = came(box, p, step_s, n, q);
    const vi moves = (there.get(faces, q) & 64) != 0;
    *beyond += sum(choose(moves, c.usual, c.all_of_it));
    const vf change = choose(moves, c.all_of_it - c.usual, vf{});
    if (!any(change != vf{})) continue;
    changed = true;
    if (!there.across() && !(box.flags[other] & MIXED)) {
      for (int depth = 0; depth < DEPTH; depth++) {
        float *row = h + below(d, q, 0, depth);
        store(row, load(row) - change * all(1.0f / DEPTH));
      }
      continue;
    }
    for (int l = 0; l < TX; l++)
      for (int depth = 0; depth < DEPTH; depth++) {
        const int at = below(d, q, l, depth);
        h[faces[at] & 64 ? at : below(d, q, l, 0)] -= change[l] * (1.0f / DEPTH);
      }
  }
  return changed;
}

// A tile at rest has got warmer or colder: show it; says whether it is to be stepped from now on.
inline bool renew(const Box &box, int tile, float wake_k) {
  bool woken = false;
  for (int r = 0; r < ROWS; r++) {
    const int64_t at = (int64_t)VOXELS * tile + TX * r;
    const vf h = load(Own(box, tile).h + TX * r);
    with_matter(box, at, [&](const auto &m) {
      const vf now = temperature_of(box, m, h);
      show(box, m, at, h, 0, !(box.row_kind[at / TX] & 2));
      store(box.now_c + at, now);
      store(box.fresh_c + at, now);
      store(box.coldest_c + at, smaller(now, load(box.coldest_c + at)));
      const vf rest = load(box.rest + at);
      const vf passed_on = load(box.potential[0] + at) - potential_of(box, m, rest);
      woken |= !little(now - temperature_of(box, m, rest), passed_on, wake_k);
    });
  }
  return woken;
}

}  // namespace iceball
