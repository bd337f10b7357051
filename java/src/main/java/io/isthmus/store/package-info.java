/**
 * What a run leaves on disk: minima, paths and checkpoints in HDF5 files that are written whole or
 * not at all and verified to the last bit when read; the folder of a run; safetensors; and the
 * import of files from strangers.
 *
 * <p>The formats are described in {@code java/FORMAT.md}. Errors a user can see are {@link
 * io.isthmus.config.IsthmusException}: DATA for content that is damaged or does not fit, IO for
 * disks and permissions, USAGE for a run folder that belongs to another configuration or process.
 */
package io.isthmus.store;
