/**
 * The graph of minima and the paths known between them: minimum spanning tree, bounds, clusters,
 * and which pair to connect next. Pure Java; nothing here touches the engine, and every result
 * depends on the graph alone, with ties broken by the numbers of the minima.
 */
package io.isthmus.landscape;
