/**
 * Whole experiments in run directories: minima are trained, pairs connected, the landscape
 * explored, and every stage goes on where an earlier process left it. {@link
 * io.isthmus.experiment.Experiment} works; {@link io.isthmus.experiment.Summary} reads what came
 * out; {@link io.isthmus.experiment.Rehearsal} says beforehand what it will cost.
 *
 * <p>The order of work depends on results alone and every result is kept before the next job
 * begins, so a run ends with the same bits however often it was interrupted.
 */
package io.isthmus.experiment;
