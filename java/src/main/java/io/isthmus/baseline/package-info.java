/**
 * Other ways to connect two minima, for comparison with AutoNEB: the straight line, the straight
 * line after weight matching (Ainsworth, Hayase and Srinivasa 2023), and curves with one trained
 * bend (Garipov et al. 2018).
 */
package io.isthmus.baseline;
