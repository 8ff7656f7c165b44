/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on sixteen floats, SIMD16<Float> in Swift, that Swift would compile number by number, and a hint for which
 * it has no word. */
#ifndef CLANES_H
#define CLANES_H

#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

typedef float lanes __attribute__((ext_vector_type(16)));
/* All bits of a number are set where something is true, or none. */
typedef int lanes_mask __attribute__((ext_vector_type(16)));

#define LANES static inline __attribute__((always_inline))

/* a · b + c, rounded once where the processor can. */
LANES lanes lanes_multiply_add(lanes a, lanes b, lanes c)
{
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

LANES lanes lanes_square_root(lanes x)
{
    return __builtin_elementwise_sqrt(x);
}

LANES float lanes_sum(lanes x)
{
    typedef float eight __attribute__((ext_vector_type(8)));
    typedef float four __attribute__((ext_vector_type(4)));
    const eight halves = x.lo + x.hi;
    const four quarters = halves.lo + halves.hi;
    return (quarters.x + quarters.y) + (quarters.z + quarters.w);
}

/* Raises the processor's invalid flag where a number is NaN. */
LANES void raise_invalid_of_nan(float x)
{
    if (x == x)
        return;
    /* Volatile, so that the division takes place. */
    volatile float zero = 0;
    zero = zero / zero;
}

LANES lanes_mask lanes_less(lanes a, lanes b)
{
    return a < b;
}

LANES lanes_mask lanes_is_nan(lanes x)
{
    return x != x;
}

LANES lanes lanes_choose(lanes_mask condition, lanes where_true, lanes where_false)
{
    return condition ? where_true : where_false;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/* All bits for the first `count` of eight numbers. */
LANES __m256i lanes_first_of_eight(long count)
{
    const __m256i numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), numbers);
}
#endif

/* The first `count` numbers, from 0 to 16, the others 0; nothing behind them is read. */
LANES lanes lanes_load_first(const float *address, long count)
{
    lanes result = 0;
#if defined(__AVX512F__)
    result = (lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), address);
#elif defined(__AVX2__)
    const __m256 low = _mm256_maskload_ps(address, lanes_first_of_eight(count));
    const __m256 high = _mm256_maskload_ps(address + 8, lanes_first_of_eight(count - 8));
    memcpy(&result, &low, sizeof low);
    memcpy((char *)&result + sizeof low, &high, sizeof high);
#else
    float numbers[16] = {0};
    for (long i = 0; i < count; i++)
        numbers[i] = address[i];
    memcpy(&result, numbers, sizeof result);
#endif
    return result;
}

/* Writes the first `count` numbers, from 0 to 16, and nothing behind them. */
LANES void lanes_store_first(lanes x, float *address, long count)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(address, (__mmask16)((1u << count) - 1), (__m512)x);
#elif defined(__AVX2__)
    __m256 low, high;
    memcpy(&low, &x, sizeof low);
    memcpy(&high, (const char *)&x + sizeof low, sizeof high);
    _mm256_maskstore_ps(address, lanes_first_of_eight(count), low);
    _mm256_maskstore_ps(address + 8, lanes_first_of_eight(count - 8), high);
#else
    float numbers[16];
    memcpy(numbers, &x, sizeof numbers);
    for (long i = 0; i < count; i++)
        address[i] = numbers[i];
#endif
}

/* Asks for a line of memory in the second cache; any address will do. */
LANES void prefetch_second_cache(const void *address)
{
    __builtin_prefetch(address, 0, 2);
}

#endif
