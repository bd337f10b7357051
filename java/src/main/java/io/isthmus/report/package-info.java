/**
 * What a run is shown as: tables, figures and the HTML page.
 *
 * <p>Everything starts from one {@link io.isthmus.report.RunSummary}. {@code scene} is the small
 * drawing layer below the figures.
 */
package io.isthmus.report;
