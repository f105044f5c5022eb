/* SPDX-License-Identifier: MIT */
/** @file ops.h
 * What tensors can do: arithmetic, reductions, shapes, updates in place, products of matrices. */
#ifndef TINYGRAD_OPS_H
#define TINYGRAD_OPS_H

#include <tinygrad/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup tinygrad_elementwise Elementwise operations
 * @ingroup tinygrad_ops
 * Binary ones broadcast by PyTorch's rules and promote dtypes as PyTorch does: bool < int64 <
 * floats; a 0-d tensor promotes only to a higher category. Unary functions of real numbers take
 * integers as float32. Errors: TG_ESHAPE for shapes that do not broadcast; TG_EVALUE for NULL and
 * for tensors of two tapes; TG_ESTATE for tensors rewound away.
 * @{ */

/** a + b (or, for two bools). */
TG_API tg_tensor *tg_add(tg_tensor *a, tg_tensor *b);
/** a - b. TG_EDTYPE for two bools. */
TG_API tg_tensor *tg_sub(tg_tensor *a, tg_tensor *b);
/** a * b (and, for two bools). */
TG_API tg_tensor *tg_mul(tg_tensor *a, tg_tensor *b);
/** a / b, true division: integers give float32. */
TG_API tg_tensor *tg_div(tg_tensor *a, tg_tensor *b);
/** a + s. An int64 tensor stays int64 where s is a whole number, else becomes float32. */
TG_API tg_tensor *tg_add_scalar(tg_tensor *a, double s);
/** a - s; dtypes as tg_add_scalar(). */
TG_API tg_tensor *tg_sub_scalar(tg_tensor *a, double s);
/** a * s; dtypes as tg_add_scalar(). */
TG_API tg_tensor *tg_mul_scalar(tg_tensor *a, double s);
/** a / s; integers give float32. */
TG_API tg_tensor *tg_div_scalar(tg_tensor *a, double s);
/** -x. Bool: TG_EDTYPE. */
TG_API tg_tensor *tg_neg(tg_tensor *x);
/** e^x. */
TG_API tg_tensor *tg_exp(tg_tensor *x);
/** Natural logarithm: -inf at 0, nan below. */
TG_API tg_tensor *tg_log(tg_tensor *x);
/** Square root: nan below 0, gradient inf at 0. */
TG_API tg_tensor *tg_sqrt(tg_tensor *x);
/** max(x, 0): gradient 0 at 0; nan passes with gradient 1. */
TG_API tg_tensor *tg_relu(tg_tensor *x);
/** 1 / (1 + e^-x). */
TG_API tg_tensor *tg_sigmoid(tg_tensor *x);
/** Hyperbolic tangent. */
TG_API tg_tensor *tg_tanh(tg_tensor *x);
/** |x|; gradient sign(x), 0 at 0. */
TG_API tg_tensor *tg_abs(tg_tensor *x);
/** -1, 0 or 1 (0 for nan, as PyTorch); gradient 0. */
TG_API tg_tensor *tg_sign(tg_tensor *x);
/** x * x. */
TG_API tg_tensor *tg_square(tg_tensor *x);
/** 1 / x. */
TG_API tg_tensor *tg_reciprocal(tg_tensor *x);
/** 1 / sqrt(x). */
TG_API tg_tensor *tg_rsqrt(tg_tensor *x);
/** log(1 + x), accurate near 0. */
TG_API tg_tensor *tg_log1p(tg_tensor *x);
/** e^x - 1, accurate near 0. */
TG_API tg_tensor *tg_expm1(tg_tensor *x);
/** Sine of x radians (libm's). */
TG_API tg_tensor *tg_sin(tg_tensor *x);
/** Cosine of x radians (libm's). */
TG_API tg_tensor *tg_cos(tg_tensor *x);
/** Error function; gradient 2 / sqrt(pi) e^(-x^2). */
TG_API tg_tensor *tg_erf(tg_tensor *x);
/** a^b elementwise, broadcasting (libm's pow). Gradients b a^(b-1), 0 where b is 0; and a^b
 * log(a), 0 where a is 0 and b >= 0. Two integers: TG_EVALUE for a negative exponent. */
TG_API tg_tensor *tg_pow(tg_tensor *a, tg_tensor *b);
/** x^s; gradient s x^(s-1), 0 everywhere for s = 0. Integers stay integers for whole s >= 0. */
TG_API tg_tensor *tg_pow_scalar(tg_tensor *x, double s);
/** min(max(x, low), high); high where low > high. Use -INFINITY or INFINITY for no bound. Gradient
 * 1 from low to high inclusive, 0 outside; nan passes with gradient 0. TG_EVALUE for a nan bound.
 */
TG_API tg_tensor *tg_clamp(tg_tensor *x, double low, double high);
/** The larger of each pair; a tie gives each side half of the gradient; nan wins over numbers. */
TG_API tg_tensor *tg_maximum(tg_tensor *a, tg_tensor *b);
/** The smaller of each pair; as tg_maximum(). */
TG_API tg_tensor *tg_minimum(tg_tensor *a, tg_tensor *b);
/** a where condition (bool, TG_EDTYPE otherwise) holds, else b; all three broadcast. */
TG_API tg_tensor *tg_where(tg_tensor *condition, tg_tensor *a, tg_tensor *b);
/** value where mask (bool) holds, else x; mask broadcasts to x's shape. */
TG_API tg_tensor *tg_masked_fill(tg_tensor *x, tg_tensor *mask, double value);
/** a == b as bool, broadcasting and promoting. Comparisons are not differentiable. */
TG_API tg_tensor *tg_eq(tg_tensor *a, tg_tensor *b);
/** a != b. */
TG_API tg_tensor *tg_ne(tg_tensor *a, tg_tensor *b);
/** a < b. */
TG_API tg_tensor *tg_lt(tg_tensor *a, tg_tensor *b);
/** a <= b. */
TG_API tg_tensor *tg_le(tg_tensor *a, tg_tensor *b);
/** a > b. */
TG_API tg_tensor *tg_gt(tg_tensor *a, tg_tensor *b);
/** a >= b. */
TG_API tg_tensor *tg_ge(tg_tensor *a, tg_tensor *b);
/** x == s as bool. */
TG_API tg_tensor *tg_eq_scalar(tg_tensor *x, double s);
/** x != s. */
TG_API tg_tensor *tg_ne_scalar(tg_tensor *x, double s);
/** x <= s. */
TG_API tg_tensor *tg_le_scalar(tg_tensor *x, double s);
/** x >= s. */
TG_API tg_tensor *tg_ge_scalar(tg_tensor *x, double s);
/** x < s. */
TG_API tg_tensor *tg_lt_scalar(tg_tensor *x, double s);
/** x > s. */
TG_API tg_tensor *tg_gt_scalar(tg_tensor *x, double s);
/** Whether both are nonzero, as bool, broadcasting. */
TG_API tg_tensor *tg_logical_and(tg_tensor *a, tg_tensor *b);
/** Whether one is nonzero. */
TG_API tg_tensor *tg_logical_or(tg_tensor *a, tg_tensor *b);
/** Whether just one is nonzero. */
TG_API tg_tensor *tg_logical_xor(tg_tensor *a, tg_tensor *b);
/** Whether x is zero. */
TG_API tg_tensor *tg_logical_not(tg_tensor *x);

/** Tangent of x radians; float64 within 2 ulp. (Of the functions from here to tg_exp2(), float32 is within
 * 0.501 ulp, float64 within 1, or 2 where it says so, with the same bits on every machine.) */
TG_API tg_tensor *tg_tan(tg_tensor *x);
/** Arc sine: nan outside [-1, 1], gradient inf at both ends. */
TG_API tg_tensor *tg_asin(tg_tensor *x);
/** Arc cosine: nan outside [-1, 1], gradient -inf at both ends. */
TG_API tg_tensor *tg_acos(tg_tensor *x);
/** Arc tangent. */
TG_API tg_tensor *tg_atan(tg_tensor *x);
/** The angle of the point (x, y), in [-pi, pi]; broadcasting and promoting. Gradient 0 at (0, 0). */
TG_API tg_tensor *tg_atan2(tg_tensor *y, tg_tensor *x);
/** Hyperbolic sine. */
TG_API tg_tensor *tg_sinh(tg_tensor *x);
/** Hyperbolic cosine. */
TG_API tg_tensor *tg_cosh(tg_tensor *x);
/** The inverse of tg_sinh(); float64 within 2 ulp, so in the next two. */
TG_API tg_tensor *tg_asinh(tg_tensor *x);
/** The inverse of tg_cosh(): nan below 1, gradient inf at 1. */
TG_API tg_tensor *tg_acosh(tg_tensor *x);
/** The inverse of tg_tanh(): infinite at -1 and 1, nan beyond. */
TG_API tg_tensor *tg_atanh(tg_tensor *x);
/** Logarithm to base 2, exact for powers of 2; -inf at 0, nan below. */
TG_API tg_tensor *tg_log2(tg_tensor *x);
/** Logarithm to base 10; as tg_log2(). */
TG_API tg_tensor *tg_log10(tg_tensor *x);
/** 2^x. */
TG_API tg_tensor *tg_exp2(tg_tensor *x);
/** The greatest whole number <= x; integers stay as they are, so in the three that follow. Gradient 0.
 * TG_EDTYPE for bool. */
TG_API tg_tensor *tg_floor(tg_tensor *x);
/** The least whole number >= x. */
TG_API tg_tensor *tg_ceil(tg_tensor *x);
/** The nearest whole number; of two, the even one. */
TG_API tg_tensor *tg_round(tg_tensor *x);
/** x without its fraction. */
TG_API tg_tensor *tg_trunc(tg_tensor *x);
/** x - trunc(x), gradient 1. Float dtypes. */
TG_API tg_tensor *tg_frac(tg_tensor *x);
/** What is left of a / b, with the sign of b, as Python's %; broadcasting and promoting. A number is a 0-d
 * tensor. Exact. Gradient 1 to a, -floor(a / b) to b. TG_EVALUE: an integer by 0; TG_EDTYPE for two bools;
 * so in the two that follow. */
TG_API tg_tensor *tg_remainder(tg_tensor *a, tg_tensor *b);
/** The same with the sign of a, as C's fmod(). Gradient 1 to a, -trunc(a / b) to b. */
TG_API tg_tensor *tg_fmod(tg_tensor *a, tg_tensor *b);
/** floor(a / b), as Python's //. Integers stay integers. Gradient 0. */
TG_API tg_tensor *tg_floor_divide(tg_tensor *a, tg_tensor *b);
/** a + alpha b, broadcasting and promoting: PyTorch's add() with its alpha, and sub() with -alpha.
 * TG_EVALUE: integers and an alpha that is not whole; TG_EDTYPE for two bools. */
TG_API tg_tensor *tg_add_scaled(tg_tensor *a, tg_tensor *b, double alpha);
/** a + weight (b - a), from b where |weight| >= 0.5; broadcasting. All of one float dtype (TG_EDTYPE). */
TG_API tg_tensor *tg_lerp(tg_tensor *a, tg_tensor *b, tg_tensor *weight);
/** log(e^a + e^b) without overflow, broadcasting and promoting; float64 within 1 ulp of the larger of
 * both. Float dtypes. */
TG_API tg_tensor *tg_logaddexp(tg_tensor *a, tg_tensor *b);
/** min(max(x, low), high) with bounds that are tensors; one may be NULL. All broadcast, and are of one
 * float dtype. A nan of any passes. Gradient to x from low to high inclusive, else to the bound that the
 * result is. */
TG_API tg_tensor *tg_clamp_tensors(tg_tensor *x, tg_tensor *low, tg_tensor *high);

/** @}
 * @defgroup tinygrad_reductions Reductions
 * @ingroup tinygrad_ops
 * float32 accumulates in double. Dims count from the end where negative; a 0-d tensor has the dims
 * 0 and -1. TG_EVALUE for a dim that is not there.
 * @{ */

/** Sum of all elements, 0-d; 0 for none. Integers and bools give int64. */
TG_API tg_tensor *tg_sum(tg_tensor *x);
/** Sum over one dim, which goes away or, with keepdim, stays with size 1. */
TG_API tg_tensor *tg_sum_dim(tg_tensor *x, int dim, bool keepdim);
/** Mean of all elements, 0-d; nan for none. Integers and bools: TG_EDTYPE. */
TG_API tg_tensor *tg_mean(tg_tensor *x);
/** Mean over one dim. */
TG_API tg_tensor *tg_mean_dim(tg_tensor *x, int dim, bool keepdim);
/** Sum over several dims: tg_sum_dims(x, TG_DIMS(0, 2), true). All dims where n is 0. TG_EVALUE
 * for a dim given twice; so for all functions on several dims. */
TG_API tg_tensor *tg_sum_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** Mean over several dims. */
TG_API tg_tensor *tg_mean_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** Variance of all elements, divided by their number - 1; nan for fewer than two. */
TG_API tg_tensor *tg_var(tg_tensor *x);
/** Variance over one dim, divided by its size - 1. */
TG_API tg_tensor *tg_var_dim(tg_tensor *x, int dim, bool keepdim);
/** Variance over several dims, divided by max(0, number - correction): 1 is unbiased, 0 is not. */
TG_API tg_tensor *tg_var_dims(tg_tensor *x, int n, const int64_t *dims, double correction,
                              bool keepdim);
/** Square root of tg_var(); gradient 0 where it is 0. */
TG_API tg_tensor *tg_std(tg_tensor *x);
/** Square root of tg_var_dim(). */
TG_API tg_tensor *tg_std_dim(tg_tensor *x, int dim, bool keepdim);
/** Square root of tg_var_dims(). */
TG_API tg_tensor *tg_std_dims(tg_tensor *x, int n, const int64_t *dims, double correction,
                              bool keepdim);
/** The largest element; nan wins. Ties share the gradient evenly. TG_ESHAPE for an empty tensor. */
TG_API tg_tensor *tg_max(tg_tensor *x);
/** The smallest element; as tg_max(). */
TG_API tg_tensor *tg_min(tg_tensor *x);
/** The largest along one dim; the first of equals (nan before numbers) gets all of the gradient.
 * The indices are tg_argmax_dim(). TG_ESHAPE for a dim of size 0. */
TG_API tg_tensor *tg_max_dim(tg_tensor *x, int dim, bool keepdim);
/** The smallest along one dim; as tg_max_dim(). */
TG_API tg_tensor *tg_min_dim(tg_tensor *x, int dim, bool keepdim);
/** The largest over several dims (all where n is 0). Ties, nans too, share the gradient evenly. */
TG_API tg_tensor *tg_amax(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** The smallest over several dims; as tg_amax(). */
TG_API tg_tensor *tg_amin(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** The row-major index (int64) of the largest element: the first of equals, nan before numbers.
 * Not differentiable. TG_ESHAPE for an empty tensor. */
TG_API tg_tensor *tg_argmax(tg_tensor *x);
/** As tg_argmax() for the smallest; a nan counts as smallest too. */
TG_API tg_tensor *tg_argmin(tg_tensor *x);
/** The index of the largest along one dim. */
TG_API tg_tensor *tg_argmax_dim(tg_tensor *x, int dim, bool keepdim);
/** The index of the smallest along one dim. */
TG_API tg_tensor *tg_argmin_dim(tg_tensor *x, int dim, bool keepdim);
/** log of the sum of e^x over all elements; -inf for none. Integers and bools as float32. */
TG_API tg_tensor *tg_logsumexp(tg_tensor *x);
/** log of the sum of e^x along one dim, without overflow. */
TG_API tg_tensor *tg_logsumexp_dim(tg_tensor *x, int dim, bool keepdim);
/** The same over several dims (all where n is 0). */
TG_API tg_tensor *tg_logsumexp_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** (sum of |x|^p)^(1/p) over all elements; p = INFINITY is the largest |x|, -INFINITY the smallest, 0 the
 * number of those that are not 0. Gradient 0 at 0 for p = 2, and for p = 0. TG_EVALUE: p nan. TG_ESHAPE: p <
 * 0, or infinite, over no elements. */
TG_API tg_tensor *tg_norm(tg_tensor *x, double p);
/** The same over several dims (all where n is 0). */
TG_API tg_tensor *tg_norm_dims(tg_tensor *x, double p, int n, const int64_t *dims, bool keepdim);
/** Running sums along one dim. Integers and bools give int64. */
TG_API tg_tensor *tg_cumsum(tg_tensor *x, int dim);

/** @}
 * @defgroup tinygrad_shape Shape
 * @ingroup tinygrad_ops
 * @{ */

/** The same elements in another shape; one size may be -1. A view where the strides allow it, else
 * a copy. TG_ESHAPE where the number of elements differs. */
TG_API tg_tensor *tg_reshape(tg_tensor *x, int ndim, const int64_t *dims);
/** A view with two dims exchanged. */
TG_API tg_tensor *tg_transpose(tg_tensor *x, int dim0, int dim1);
/** A view in which dims of size 1 are stretched (stride 0) and new ones lead; -1 keeps a size. */
TG_API tg_tensor *tg_expand(tg_tensor *x, int ndim, const int64_t *dims);
/** x itself where it is contiguous, else a contiguous copy. */
TG_API tg_tensor *tg_contiguous(tg_tensor *x);
/** x itself where it has that dtype, else a converted copy. Float to int64 truncates; float to
 * bool is x != 0. Differentiable between floats. */
TG_API tg_tensor *tg_to(tg_tensor *x, int dtype);

/** A view with the dims in another order: result dim i is dim dims[i] of x. */
TG_API tg_tensor *tg_permute(tg_tensor *x, int ndim, const int64_t *dims);
/** A view without dims of size 1. */
TG_API tg_tensor *tg_squeeze(tg_tensor *x);
/** A view without that dim where its size is 1, else x as it is. */
TG_API tg_tensor *tg_squeeze_dim(tg_tensor *x, int dim);
/** A view with a dim of size 1 put in before `dim` (from -(ndim + 1) to ndim). */
TG_API tg_tensor *tg_unsqueeze(tg_tensor *x, int dim);
/** Joins dims first to last into one; a view where the strides allow it. */
TG_API tg_tensor *tg_flatten(tg_tensor *x, int first, int last);
/** A view of `length` elements along dim from `start` on. TG_EVALUE where they are not all there.
 */
TG_API tg_tensor *tg_narrow(tg_tensor *x, int dim, int64_t start, int64_t length);
/** A view of every step-th element along dim from start to, without, end: x[start:end:step].
 * Negative bounds count from the end; bounds are cut to the size, INT64_MAX means to the end.
 * step > 0. */
TG_API tg_tensor *tg_slice(tg_tensor *x, int dim, int64_t start, int64_t end, int64_t step);
/** A view of one index along dim (negative: from the end), without that dim. */
TG_API tg_tensor *tg_select(tg_tensor *x, int dim, int64_t index);
/** n tensors of one dtype one after the other along dim; other sizes must be equal. Tensors of
 * shape (0) are skipped. */
TG_API tg_tensor *tg_cat(tg_tensor *const *tensors, size_t n, int dim);
/** n tensors of one shape along a new dim. For n = 0 both are NULL, without an error: there is no
 * tape to report it to. */
TG_API tg_tensor *tg_stack(tg_tensor *const *tensors, size_t n, int dim);
/** Splits x along dim into at most `chunks` views of equal size (the last may be smaller), writes
 * them to out[] and returns their number; 0 on an error. */
TG_API size_t tg_chunk(tg_tensor *x, size_t chunks, int dim, tg_tensor **out);
/** out[i][j][k] = x[i][index[i][j][k]][k] for dim 1. index is int64, of x's rank, and no larger
 * than x in other dims. Gradients of repeated elements add up. TG_EVALUE: an index outside [0,
 * size). */
TG_API tg_tensor *tg_gather(tg_tensor *x, int dim, tg_tensor *index);
/** The entries along dim that a 1-d int64 index names, in its order. Errors as tg_gather(). */
TG_API tg_tensor *tg_index_select(tg_tensor *x, int dim, tg_tensor *index);
/** Rows of weight (V, D) by int64 indices of any shape: result index.shape + (D). padding_idx: a
 * row that gets no gradient; negative ones count from the end, TG_NO_PADDING is none. */
TG_API tg_tensor *tg_embedding(tg_tensor *weight, tg_tensor *index, int64_t padding_idx);
/** Rows of zeros with a 1 at the class: int64 index (...) to int64 (..., classes). Not differentiable.
 * TG_EVALUE: a class outside [0, classes). */
TG_API tg_tensor *tg_one_hot(tg_tensor *index, int64_t classes);
/** For tg_embedding(). */
#define TG_NO_PADDING INT64_MIN
/** The lower triangle of the last two dims: 0 above the given diagonal (0: the main one). */
TG_API tg_tensor *tg_tril(tg_tensor *x, int64_t diagonal);
/** The upper triangle: 0 below the given diagonal. */
TG_API tg_tensor *tg_triu(tg_tensor *x, int64_t diagonal);
/** A contiguous copy. */
TG_API tg_tensor *tg_clone(tg_tensor *x);

/** @}
 * @defgroup tinygrad_places Padding, repeating, writing, sorting, drawing
 * @ingroup tinygrad_ops
 * Names, semantics and corner cases are PyTorch's. Where it gives values and indices there are two
 * functions: who wants both takes the indices, and tg_gather() of them. All of floats are
 * differentiable, any number of times, but for what gives int64 or bool.
 * @{ */

/** What tg_pad() puts around a tensor. */
typedef enum tg_pad_mode {
    TG_PAD_CONSTANT = 0, /**< a number */
    TG_PAD_REFLECT,   /**< what lies behind the border, mirrored at it: at most size - 1 elements */
    TG_PAD_REPLICATE, /**< the element at the border */
    TG_PAD_CIRCULAR   /**< what lies at the other end: at most size elements */
} tg_pad_mode;

/** x with more around it: tg_pad(x, TG_DIMS(left, right, top, bottom), TG_PAD_CONSTANT, 0). Two
 * numbers a dim, the last dim first; below 0 they cut off. `value` is for TG_PAD_CONSTANT alone.
 * Other modes take any number of dims. TG_EVALUE for an odd number of them, and where there is less
 * to cut off or copy than asked for; TG_ESHAPE for more than two a dim. */
TG_API tg_tensor *tg_pad(tg_tensor *x, int n, const int64_t *pads, tg_pad_mode mode, double value);
/** x with n dims turned around, as a copy. TG_EVALUE for a dim given twice. */
TG_API tg_tensor *tg_flip(tg_tensor *x, int n, const int64_t *dims);
/** Moves elements by shifts[i] along dims[i]; what goes out at one end comes in at the other. */
TG_API tg_tensor *tg_roll(tg_tensor *x, int n, const int64_t *shifts, const int64_t *dims);
/** x times[i] times along dim i, one after the other; more numbers than dims add dims in front. */
TG_API tg_tensor *tg_repeat(tg_tensor *x, int n, const int64_t *times);
/** Each entry along dim so many times, side by side. */
TG_API tg_tensor *tg_repeat_interleave(tg_tensor *x, int64_t times, int dim);
/** A view of the elements with equal indices in two dims, which become the last one; offset: so many to the
 * right or, below 0, down. */
TG_API tg_tensor *tg_diagonal(tg_tensor *x, int64_t offset, int dim0, int dim1);
/** Of 1-d x: a square matrix of zeros with x on that diagonal. Of 2-d x: tg_diagonal(). */
TG_API tg_tensor *tg_diag(tg_tensor *x, int64_t offset);

/** Splits x along dim into n views of these sizes, which must add up to all of it (TG_ESHAPE), and
 * writes them to out[]. Returns n; 0 on an error. */
TG_API size_t tg_split(tg_tensor *x, size_t n, const int64_t *sizes, int dim, tg_tensor **out);

/** A copy of x into which src is written: out[i][index[i][j]] = src[i][j] for dim 1. index is int64
 * and no larger than src nor, in other dims, than x; src has x's dtype. Of writes to one place the
 * last one counts; what was written over gets no gradient. TG_EVALUE for an index outside [0,
 * size). */
TG_API tg_tensor *tg_scatter(tg_tensor *x, int dim, tg_tensor *index, tg_tensor *src);
/** The same, added to what is there. Not for bool. */
TG_API tg_tensor *tg_scatter_add(tg_tensor *x, int dim, tg_tensor *index, tg_tensor *src);
/** A copy of x in which the entry index[i] (1-d) along dim is entry i of src. */
TG_API tg_tensor *tg_index_copy(tg_tensor *x, int dim, tg_tensor *index, tg_tensor *src);
/** The same, added to what is there. Not for bool. */
TG_API tg_tensor *tg_index_add(tg_tensor *x, int dim, tg_tensor *index, tg_tensor *src);
/** A copy of x with src in place of tg_slice(x, dim, start, end, step). */
TG_API tg_tensor *tg_slice_scatter(tg_tensor *x, tg_tensor *src, int dim, int64_t start,
                                   int64_t end, int64_t step);
/** A copy of x with src in place of tg_select(x, dim, index). */
TG_API tg_tensor *tg_select_scatter(tg_tensor *x, tg_tensor *src, int dim, int64_t index);
/** x[..., i, j, ...] by n int64 tensors that broadcast, for the dims from `dim` on, in whose place
 * their shape stands: x[i, j] is tg_index(x, 0, 2, (tg_tensor *[]){i, j}). Negative indices count
 * from the end. TG_EVALUE for one outside [-size, size). */
TG_API tg_tensor *tg_index(tg_tensor *x, int dim, size_t n, tg_tensor *const *indices);
/** A copy of x with values, which broadcast, written to (or added at) those places. */
TG_API tg_tensor *tg_index_put(tg_tensor *x, int dim, size_t n, tg_tensor *const *indices,
                               tg_tensor *values, bool accumulate);
/** The indices (int64) of all elements that are not 0, a row each, in row-major order: (n, dims of
 * x). n depends on the data: a replay with another n is TG_ESTATE. */
TG_API tg_tensor *tg_nonzero(tg_tensor *x);
/** The elements where a bool mask is true, in row-major order, 1-d; both broadcast. A replay with
 * another number of them is TG_ESTATE. */
TG_API tg_tensor *tg_masked_select(tg_tensor *x, tg_tensor *mask);

/** x in rising or falling order along dim; equals keep theirs (it is stable), and nan is larger
 * than numbers. The indices are tg_argsort(). */
TG_API tg_tensor *tg_sort(tg_tensor *x, int dim, bool descending);
/** The indices that sort x. */
TG_API tg_tensor *tg_argsort(tg_tensor *x, int dim, bool descending);
/** The k largest (or smallest) along dim, in order; of equals the first. TG_EVALUE for a k that is
 * not in [0, size]. */
TG_API tg_tensor *tg_topk(tg_tensor *x, int64_t k, int dim, bool largest);
/** Their indices. */
TG_API tg_tensor *tg_argtopk(tg_tensor *x, int64_t k, int dim, bool largest);

/** Whether any element is not 0 (nan is not), as 0-d bool; false for none. */
TG_API tg_tensor *tg_any(tg_tensor *x);
/** Whether no element is 0; true for none. */
TG_API tg_tensor *tg_all(tg_tensor *x);
/** tg_any() along one dim. */
TG_API tg_tensor *tg_any_dim(tg_tensor *x, int dim, bool keepdim);
/** tg_all() along one dim. */
TG_API tg_tensor *tg_all_dim(tg_tensor *x, int dim, bool keepdim);
/** Whether x is nan, as bool. */
TG_API tg_tensor *tg_isnan(tg_tensor *x);
/** Whether x is infinite. */
TG_API tg_tensor *tg_isinf(tg_tensor *x);
/** Whether x is neither. */
TG_API tg_tensor *tg_isfinite(tg_tensor *x);
/** Product of all elements, 0-d; 1 for none. Integers and bools give int64. Gradients hold where
 * there are zeros; float32 multiplies in double. */
TG_API tg_tensor *tg_prod(tg_tensor *x);
/** Product over one dim. */
TG_API tg_tensor *tg_prod_dim(tg_tensor *x, int dim, bool keepdim);
/** Running products along one dim. */
TG_API tg_tensor *tg_cumprod(tg_tensor *x, int dim);

/** 1 with the probability that p has, else 0, element by element in row-major order; p's dtype. Not
 * differentiable. TG_EVALUE for a p outside [0, 1], TG_EDTYPE for one that is no float. */
TG_API tg_tensor *tg_bernoulli(tg_tensor *p);
/** `count` indices (int64) of each row of weights (n) or (rows, n), which need not add up to 1:
 * (count) or (rows, count). TG_EVALUE for a weight that is negative, infinite or nan, for a row of
 * zeros, and for more samples than there are numbers, without replacement. */
TG_API tg_tensor *tg_multinomial(tg_tensor *weights, int64_t count, bool replacement);

/** @}
 * @defgroup tinygrad_in_place In-place updates
 * @ingroup tinygrad_ops
 * Recorded (a replay writes again), not differentiable: TG_ESTATE where gradients are enabled and t
 * or the source requires one; disable them with tg_set_grad_enabled(). A write bumps the version of
 * t and of all views that share its data.
 * @{ */

/** t = source, broadcast and converted to t's dtype. */
TG_API tg_status tg_copy_(tg_tensor *t, tg_tensor *source);
/** t = t + alpha * source; source broadcasts to t and has its dtype. */
TG_API tg_status tg_add_(tg_tensor *t, tg_tensor *source, double alpha);
/** t = value everywhere. It has no inputs, and so may be done to a leaf that requires a gradient
 * without disabling gradients, as tg_uniform_(). TG_EVALUE: int64 cannot hold the value. */
TG_API tg_status tg_fill_(tg_tensor *t, double value);

/** @}
 * @defgroup tinygrad_linear_algebra Linear algebra
 * @ingroup tinygrad_ops
 * @{ */

/** Matrix product by PyTorch's rules: (n)(n) is 0-d; (m,k)(k) and (k)(k,n) are 1-d; (m,k)(k,n) is
 * (m,n); more dims are batches and broadcast. Both of one float dtype (TG_EDTYPE). k = 0 gives
 * zeros. Each element is a chain of fused multiply-adds in order of k. */
TG_API tg_tensor *tg_matmul(tg_tensor *a, tg_tensor *b);
/** beta c + alpha a b of matrices, (m,k)(k,n) or, tg_baddbmm(), batches of them, (B,m,k)(B,k,n), in the time of the
 * product: it is added to what c, which broadcasts to its shape, begins each element with. A beta of 0 means that c is
 * not looked at, nor its nan. All of one float dtype (TG_EDTYPE). TG_ESHAPE: other dims. */
TG_API tg_tensor *tg_addmm(tg_tensor *c, tg_tensor *a, tg_tensor *b, double beta, double alpha);
/** As tg_addmm(). */
TG_API tg_tensor *tg_baddbmm(tg_tensor *c, tg_tensor *a, tg_tensor *b, double beta, double alpha);
/** The products of all pairs of elements of two vectors: (n)(m) to (n, m). TG_ESHAPE for other ranks. */
TG_API tg_tensor *tg_outer(tg_tensor *a, tg_tensor *b);
/** The sum of products that an equation names, PyTorch's einsum of two operands, as one product of
 * matrices: "bij,bjk->bik". A letter for each dim of a and b; those that are not in the output are summed;
 * without an arrow it has those that occur once, by the alphabet. A size of 1 stretches. Both of one float
 * dtype. TG_EVALUE: an equation that is none, one operand, a letter twice in an operand, "..."; TG_ESHAPE:
 * sizes of a letter that differ. */
TG_API tg_tensor *tg_einsum(const char *equation, tg_tensor *a, tg_tensor *b);
/** x W^T + b: x (..., in), weight (out, in), bias (out) or NULL; result (..., out). */
TG_API tg_tensor *tg_linear(tg_tensor *x, tg_tensor *weight, tg_tensor *bias);

/** @}
 * @defgroup tinygrad_softmax Softmax
 * @ingroup tinygrad_ops
 * @{ */

/** e^x / sum of e^x along dim; float dtypes. Rows with an inf or nan as in PyTorch. */
TG_API tg_tensor *tg_softmax(tg_tensor *x, int dim);
/** log(softmax(x)) along dim, without the overflow and underflow of the composition, and accurate
 * near 0: a row's largest entry is -log1p(sum of the others' e^(x - max)). */
TG_API tg_tensor *tg_log_softmax(tg_tensor *x, int dim);

/** @} */

#ifdef __cplusplus
}
#endif
#endif
