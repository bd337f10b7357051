/**
 * The command line: {@link io.isthmus.cli.Isthmus} and one class for each verb. Results go to
 * standard output, progress and errors to standard error; the exit codes are those of {@link
 * io.isthmus.config.ExitCode}.
 */
package io.isthmus.cli;
