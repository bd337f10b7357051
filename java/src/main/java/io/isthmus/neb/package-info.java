/**
 * What is run on the engine: the training of minima and the minimum energy path between two of them
 * (AutoNEB).
 *
 * <p>Decisions (which pivots a cycle starts from, where the highest point is, which cycle counts)
 * are pure functions of records; {@link io.isthmus.neb.AutoNeb} and {@link
 * io.isthmus.neb.MinimaTraining} carry them out on {@link io.isthmus.engine.Points}. Both can be
 * stopped at any step and go on from a state with the bits of an undisturbed run, because every
 * random draw is a function of its stream and step ({@link io.isthmus.neb.Streams}) and the engine
 * does not care how steps are divided into calls.
 */
package io.isthmus.neb;
