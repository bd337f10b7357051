/**
 * What a run is shown as: tables, figures and the HTML page.
 *
 * <p>Everything starts from one {@link io.isthmus.report.RunSummary}, a plain description of a run
 * that owns no file and no native memory. {@code scene} is the small drawing
 * layer below the figures.
 */
package io.isthmus.report;
