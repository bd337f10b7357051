/**
 * Drawing without a window: a scene of a few kinds of marks, axes on top of it, and two writers,
 * SVG and PNG. Knows nothing of minima and paths, and needs no font of the machine.
 */
package io.isthmus.report.scene;
