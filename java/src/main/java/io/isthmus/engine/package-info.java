/**
 * The thin Java side of the native engine, one to one with {@code
 * native/include/isthmus/isthmus.h}.
 *
 * <p>Objects live on the device; {@link io.isthmus.engine.Engine}, {@link
 * io.isthmus.engine.Dataset}, {@link io.isthmus.engine.Model} and {@link io.isthmus.engine.Points}
 * own them and are closed exactly once, in any order. One engine, and all that belongs to it, may
 * be used by one thread at a time. Calls block. Every failure is an {@link
 * io.isthmus.engine.EngineException} whose message names function, argument, rule and value.
 */
package io.isthmus.engine;
