// Sixteen voxels at once: rows of a tile as vectors of the compiler.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernel.hpp"

namespace iceball {

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef float vu __attribute__((vector_size(64), aligned(4)));  // rows handed over by numpy need not be aligned

inline vf load(const float *p) { return *reinterpret_cast<const vu *>(p); }
inline void store(float *p, vf v) { *reinterpret_cast<vu *>(p) = v; }
inline vf all(float x) { return x - vf{}; }
inline vf choose(vi mask, vf a, vf b) { return mask ? a : b; }
// The second where one is not a number.
inline vf smaller(vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#else
  return choose(a < b, a, b);
#endif
}
inline vf larger(vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#else
  return choose(a > b, a, b);
#endif
}
inline vf size_of(vf a) { return larger(a, -a); }

inline float sum(vf v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps((__m512)v);
#endif
  float half[TX];
  store(half, v);
  for (int n = TX / 2; n > 0; n /= 2)
    for (int l = 0; l < n; l++) half[l] += half[l + n];
  return half[0];
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

inline bool any_less(vf a, vf b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ) != 0;
#else
  return any(a < b);
#endif
}
inline bool all_less(vf a, vf b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ) == 0xffff;
#else
  return !any(~(a < b));
#endif
}

inline bool any_without(vi values, int bit) {
#if defined(__AVX512F__)
  return _mm512_testn_epi32_mask((__m512i)values, _mm512_set1_epi32(bit)) != 0;
#else
  return any((values & bit) == 0);
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

// Pairs of numbers from a table: the value and the step to the next.
struct Pair {
  vf value, step;
};
inline Pair gather_pairs(const float *base, vi n) {
#if defined(__AVX512F__)
  const __m512d low = _mm512_i32gather_pd(_mm512_castsi512_si256((__m512i)n), base, 8);
  const __m512d high = _mm512_i32gather_pd(_mm512_extracti64x4_epi64((__m512i)n, 1), base, 8);
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return {(vf)_mm512_permutex2var_ps((__m512)low, even, (__m512)high),
          (vf)_mm512_permutex2var_ps((__m512)low, odd, (__m512)high)};
#else
  return {gather(base, 2 * n), gather(base + 1, 2 * n)};
#endif
}

// Numbers of a table of sixteen.
inline vf pick(const float *table, vi n) {
#if defined(__AVX512F__)
  return (vf)_mm512_permutexvar_ps((__m512i)n, (__m512)load(table));
#else
  return gather(table, n);
#endif
}

inline vf inverse(vf x) {
#if defined(__AVX512F__)
  const vf guess = (vf)_mm512_rcp14_ps((__m512)x);
  return guess * (2.0f - x * guess);
#else
  return 1.0f / x;
#endif
}

inline vi widen(const uint8_t *p) {
#if defined(__AVX512F__)
  return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)));
#endif
  typedef uint8_t vb __attribute__((vector_size(16)));
  vb b;
  std::memcpy(&b, p, 16);
  return __builtin_convertvector(b, vi);
}

// Neighbours along a row: the last of `before` and all but the last of `row`; all but the first, and the first of `after`.
#if defined(__clang__)
inline vf shift_up(vf before, vf row) {
  return __builtin_shufflevector(before, row, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}
inline vf shift_down(vf row, vf after) {
  return __builtin_shufflevector(row, after, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
}
#else
inline vf shift_up(vf before, vf row) {
  return __builtin_shuffle(before, row, vi{15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30});
}
inline vf shift_down(vf row, vf after) {
  return __builtin_shuffle(row, after, vi{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
}
#endif

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

}  // namespace iceball
