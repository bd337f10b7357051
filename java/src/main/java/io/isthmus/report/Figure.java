package io.isthmus.report;

import io.isthmus.report.scene.Scene;

/**
 * A drawing with the numbers it shows.
 *
 * @param name file name without its ending
 * @param title what it is called on the page
 * @param caption how to read it, in a sentence or two
 * @param scene the drawing
 * @param data its numbers as a comma-separated file
 */
public record Figure(String name, String title, String caption, Scene scene, String data) {}
