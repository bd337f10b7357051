package io.isthmus.analysis;

/** A real symmetric matrix that is known by its products with vectors alone. */
public interface SymmetricOperator {
  /** Number of its rows and columns. */
  int size();

  /**
   * The matrix times a vector.
   *
   * @param vector {@code [size]}, left as it is
   * @return {@code [size]}, a fresh array
   */
  double[] times(double[] vector);

  /**
   * The same matrix with a direction taken out on both sides, {@code (1 - d d^T) A (1 - d d^T)}: on
   * vectors across {@code d} it is the matrix of the quadratic form of A restricted to them.
   *
   * @param direction {@code [size]}, of length 1
   */
  default SymmetricOperator across(double[] direction) {
    SymmetricOperator whole = this;
    return new SymmetricOperator() {
      @Override
      public int size() {
        return whole.size();
      }

      @Override
      public double[] times(double[] vector) {
        double[] inside = vector.clone();
        Vectors.removeComponent(inside, direction);
        double[] product = whole.times(inside);
        Vectors.removeComponent(product, direction);
        return product;
      }
    };
  }
}
