/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on sixteen floats, SIMD16<Float> in Swift, that Swift would compile number by number, and a hint for which
 * it has no word. */
#ifndef CLANES_H
#define CLANES_H

#include <limits.h>
#include <math.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

typedef float lanes __attribute__((ext_vector_type(16)));
/* All bits of a number are set where something is true, or none. */
typedef int lanes_mask __attribute__((ext_vector_type(16)));

/* Every function is inlined, so no vector is passed by a convention that depends on the level. */
#pragma clang diagnostic ignored "-Wpsabi"

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

typedef float half_lanes __attribute__((ext_vector_type(8)));

LANES half_lanes half_lanes_multiply_add(half_lanes a, half_lanes b, half_lanes c)
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

/* To the nearest number of float16, to the even one of two; infinity for what is too large. */
LANES lanes lanes_round_to_float16(lanes x)
{
    const lanes_mask bits = (lanes_mask)x, magnitude = bits & 0x7fffffff, sign = bits ^ magnitude;
    /* Ten bits of the fraction stay; a carry goes into the exponent, as it should. */
    const lanes_mask normal = (magnitude + 0xfff + ((magnitude >> 13) & 1)) & ~0x1fff;
    /* Below 2^-14 the steps are 2^-24 wide, which is what float32 has from one half on. */
    const lanes_mask small = (lanes_mask)(((lanes)magnitude + 0.5f) - 0.5f);
    const lanes_mask is_small = magnitude < 0x38800000;
    /* 65520 and above are nearer to 65536, which float16 does not have. */
    const lanes_mask is_large = magnitude >= 0x477ff000, is_nan = magnitude > 0x7f800000;
    lanes_mask result = (is_small & small) | (~is_small & normal);
    result = (is_large & 0x7f800000) | (~is_large & result);
    result = (is_nan & (magnitude | 0x00400000)) | (~is_nan & result);
    return (lanes)(result | sign);
}

/* To the nearest number of bfloat16, to the even one of two. */
LANES lanes lanes_round_to_bfloat16(lanes x)
{
    const lanes_mask bits = (lanes_mask)x;
    const lanes_mask rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & ~0xffff;
    const lanes_mask is_nan = (bits & 0x7fffffff) > 0x7f800000;
    return (lanes)((is_nan & (bits | 0x00400000)) | (~is_nan & rounded));
}

LANES lanes lanes_floor(lanes x)
{
    return __builtin_elementwise_floor(x);
}

LANES lanes lanes_ceil(lanes x)
{
    return __builtin_elementwise_ceil(x);
}

LANES lanes lanes_truncate(lanes x)
{
    return __builtin_elementwise_trunc(x);
}

/* To the nearest whole number, to the even one of two. */
LANES lanes lanes_round(lanes x)
{
    return __builtin_elementwise_roundeven(x);
}

/* x · 2^n for whole n from -252 to 254, rounded once where the processor can. */
LANES lanes lanes_scale(lanes x, lanes n)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
    /* In two steps, so that results below the normal range come out, too. */
    const lanes_mask exponent = __builtin_convertvector(n, lanes_mask);
    const lanes_mask half = exponent >> 1;
    const lanes first = (lanes)((half + 127) << 23), second = (lanes)((exponent - half + 127) << 23);
    return x * first * second;
#endif
}

/* 1 / x for x from 1 to 2^60, to a unit in the last place; quicker than a division where the processor has a start. */
LANES lanes lanes_reciprocal(lanes x)
{
#if defined(__AVX512F__)
    const lanes start = (lanes)_mm512_rcp14_ps((__m512)x);
    const lanes one = 1;
    return __builtin_elementwise_fma(start, __builtin_elementwise_fma(-x, start, one), start);
#else
    return 1 / x;
#endif
}

/* By the C library, number by number. */
LANES lanes lanes_sine(lanes x)
{
    lanes result = 0;
    for (int place = 0; place < 16; place++)
        result[place] = sinf(x[place]);
    return result;
}

LANES lanes lanes_cosine(lanes x)
{
    lanes result = 0;
    for (int place = 0; place < 16; place++)
        result[place] = cosf(x[place]);
    return result;
}

/* The numbers in another order: those whose places differ by one bit, 8, 4, 2 or 1, change places. */
LANES lanes lanes_swap_8(lanes x)
{
    return __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
}

LANES lanes lanes_swap_4(lanes x)
{
    return __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
}

LANES lanes lanes_swap_2(lanes x)
{
    return __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

LANES lanes lanes_swap_1(lanes x)
{
    return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
}

/* In each four of neighbours all are the one with this number. */
LANES lanes lanes_spread(lanes x, long number)
{
    switch (number) {
    case 0:
        return __builtin_shufflevector(x, x, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
    case 1:
        return __builtin_shufflevector(x, x, 1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9, 13, 13, 13, 13);
    case 2:
        return __builtin_shufflevector(x, x, 2, 2, 2, 2, 6, 6, 6, 6, 10, 10, 10, 10, 14, 14, 14, 14);
    default:
        return __builtin_shufflevector(x, x, 3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15);
    }
}

/* The numbers at these places, of which each is below 8. */
LANES lanes lanes_pick(lanes x, lanes_mask places)
{
    lanes result;
#if defined(__AVX512F__)
    result = (lanes)_mm512_permutexvar_ps((__m512i)places, (__m512)x);
#elif defined(__AVX2__)
    __m256 low;
    __m256i first, second;
    memcpy(&low, &x, sizeof low);
    memcpy(&first, &places, sizeof first);
    memcpy(&second, (const char *)&places + sizeof first, sizeof second);
    const __m256 halves[2] = {_mm256_permutevar8x32_ps(low, first), _mm256_permutevar8x32_ps(low, second)};
    memcpy(&result, halves, sizeof result);
#else
    for (int place = 0; place < 16; place++)
        result[place] = x[places[place]];
#endif
    return result;
}

/* Where the place is below `count`. */
LANES lanes_mask lanes_first(long count)
{
    const lanes_mask places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return places < (int)count;
}

LANES lanes_mask lanes_equal(lanes a, lanes b)
{
    return a == b;
}

/* The first place where the condition holds, or 16. */
LANES long lanes_first_place(lanes_mask condition)
{
#if defined(__AVX512F__)
    const unsigned places = _mm512_test_epi32_mask((__m512i)condition, (__m512i)condition);
#elif defined(__SSE2__)
    unsigned places = 0;
    for (int part = 0; part < 4; part++) {
        __m128 numbers;
        memcpy(&numbers, (const char *)&condition + 16 * part, sizeof numbers);
        places |= (unsigned)_mm_movemask_ps(numbers) << 4 * part;
    }
#else
    unsigned places = 0;
    for (int place = 0; place < 16; place++)
        places |= condition[place] ? 1u << place : 0;
#endif
    return places ? __builtin_ctz(places) : 16;
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

LANES lanes_mask lanes_choose_whole(lanes_mask condition, lanes_mask where_true, lanes_mask where_false)
{
    return condition ? where_true : where_false;
}

/* Write whole parts. The numbers are no NaN, and within the type, or for the wide ones at most 2^31 or 2^63, for which
 * the greatest number of the type is written. */
LANES void lanes_store_int32(lanes x, void *address)
{
    const lanes zero = 0;
    const lanes_mask over = x >= 0x1p31f, largest = INT_MAX;
    const lanes_mask result = over ? largest : __builtin_convertvector(over ? zero : x, lanes_mask);
    memcpy(address, &result, sizeof result);
}

LANES void lanes_store_int64(lanes x, void *address)
{
    typedef long long wide __attribute__((ext_vector_type(16)));
    const lanes zero = 0;
    const lanes_mask is_over = x >= 0x1p63f;
    const wide over = __builtin_convertvector(is_over, wide), largest = LLONG_MAX;
    const wide result = over ? largest : __builtin_convertvector(is_over ? zero : x, wide);
    memcpy(address, &result, sizeof result);
}

LANES void lanes_store_int8(lanes x, void *address)
{
    typedef signed char bytes __attribute__((ext_vector_type(16)));
    const bytes result = __builtin_convertvector(__builtin_convertvector(x, lanes_mask), bytes);
    memcpy(address, &result, sizeof result);
}

LANES void lanes_store_uint8(lanes x, void *address)
{
    typedef unsigned char bytes __attribute__((ext_vector_type(16)));
    const bytes result = __builtin_convertvector(__builtin_convertvector(x, lanes_mask), bytes);
    memcpy(address, &result, sizeof result);
}

/* Writes 1 where a number differs from 0, else 0. */
LANES void lanes_store_boolean(lanes x, void *address)
{
    typedef unsigned char bytes __attribute__((ext_vector_type(16)));
    const bytes result = __builtin_convertvector((x != 0) & 1, bytes);
    memcpy(address, &result, sizeof result);
}

typedef _Float16 lanes_half __attribute__((ext_vector_type(16)));

LANES void lanes_store_half(lanes x, void *address)
{
    const lanes_half result = __builtin_convertvector(x, lanes_half);
    memcpy(address, &result, sizeof result);
}

LANES lanes lanes_load_half(const void *address)
{
    lanes_half x;
    memcpy(&x, address, sizeof x);
    return __builtin_convertvector(x, lanes);
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

/* Transposes 16 x 16 numbers of four bytes, from x to y; x is overwritten. */
LANES void lanes_transpose_all(lanes *x, lanes *y)
{
    /* In each quarter of a vector: pairs of rows, then fours. */
    for (int row = 0; row < 16; row += 2) {
        y[row] = __builtin_shufflevector(x[row], x[row + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        y[row + 1] =
            __builtin_shufflevector(x[row], x[row + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
    for (int row = 0; row < 16; row += 4) {
        for (int pair = 0; pair < 2; pair++) {
            const lanes a = y[row + pair], b = y[row + pair + 2];
            x[row + 2 * pair] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
            x[row + 2 * pair + 1] =
                __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
        }
    }
    /* Then the quarters themselves. */
    for (int column = 0; column < 4; column++) {
        lanes even[2], odd[2];
        for (int half = 0; half < 2; half++) {
            const lanes a = x[8 * half + column], b = x[8 * half + 4 + column];
            even[half] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
            odd[half] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
        }
        y[column] = __builtin_shufflevector(even[0], even[1], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
        y[column + 8] =
            __builtin_shufflevector(even[0], even[1], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
        y[column + 4] =
            __builtin_shufflevector(odd[0], odd[1], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
        y[column + 12] =
            __builtin_shufflevector(odd[0], odd[1], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    }
}

/* Transposes 16 x 16 numbers of four bytes between rows that are so many bytes apart. */
LANES void lanes_transpose(const char *source, long source_step, char *target, long target_step)
{
    lanes x[16], y[16];
    for (int row = 0; row < 16; row++)
        memcpy(&x[row], source + row * source_step, sizeof x[row]);
    lanes_transpose_all(x, y);
    for (int row = 0; row < 16; row++)
        memcpy(target + row * target_step, &y[row], sizeof y[row]);
}

/* The same of up to 16 numbers in each of up to 16 rows of the source. */
LANES void lanes_transpose_first(
    const char *source, long source_step, long rows, long columns, char *target, long target_step)
{
    lanes x[16], y[16];
    for (int row = 0; row < 16; row++) {
        const lanes none = 0;
        x[row] = row < rows ? lanes_load_first((const float *)(source + row * source_step), columns) : none;
    }
    lanes_transpose_all(x, y);
    for (int column = 0; column < columns; column++)
        lanes_store_first(y[column], (float *)(target + column * target_step), rows);
}

/* Every second number of two vectors side by side. */
LANES lanes lanes_even(lanes a, lanes b)
{
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}

/* Sixteen numbers that are so many numbers apart. */
LANES lanes lanes_load_steps(const float *address, long step)
{
    lanes result;
    for (int place = 0; place < 16; place++)
        result[place] = address[place * step];
    return result;
}

/* Asks for a line of memory in the second cache; any address will do. */
LANES void prefetch_second_cache(const void *address)
{
    __builtin_prefetch(address, 0, 2);
}

#endif
