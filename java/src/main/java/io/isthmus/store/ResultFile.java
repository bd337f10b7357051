package io.isthmus.store;

import io.isthmus.config.ExitCode;
import io.isthmus.config.IsthmusException;
import io.isthmus.neb.Pair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;

/**
 * A small result as a JSON file that people can read: format, version, the experiment it belongs
 * to, and the result's record with snake_case names. A number that does not exist is null.
 */
public final class ResultFile {
  private static final int VERSION = 1;
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .addModule(
              new SimpleModule()
                  .addSerializer(Double.class, new NumberWriter())
                  .addSerializer(Double.TYPE, new NumberWriter())
                  .addDeserializer(Double.class, new NumberReader())
                  .addDeserializer(Double.TYPE, new NumberReader())
                  .addSerializer(Pair.class, new PairWriter())
                  .addDeserializer(Pair.class, new PairReader()))
          .build();

  private ResultFile() {}

  /**
   * Puts a result in place of {@code target}, whole or not at all.
   *
   * @param kind what it is, for instance {@code ensemble}
   * @param result a record
   */
  public static void write(Path target, String kind, Origin origin, Object result) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("format", format(kind));
    document.put("version", VERSION);
    document.put("origin", origin);
    document.put("result", result);
    AtomicFile.write(target, JSON.writeValueAsString(document) + "\n");
  }

  /**
   * Reads a result back.
   *
   * @param origin the experiment it must belong to
   * @throws IsthmusException DATA if it is damaged or of another experiment, IO if it cannot be
   *     read
   */
  public static <T> T read(Path source, String kind, Origin origin, Class<T> type) {
    Origin found;
    T result;
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(source));
      if (!root.path("format").asString("").equals(format(kind))
          || root.path("version").asInt(0) != VERSION) {
        throw new IllegalArgumentException("it is not %s of version %d".formatted(kind, VERSION));
      }
      found = JSON.treeToValue(root.required("origin"), Origin.class);
      result = JSON.treeToValue(root.required("result"), type);
    } catch (IOException e) {
      throw AtomicFile.failure("read", source, e);
    } catch (JacksonException | IllegalArgumentException e) {
      throw new IsthmusException(
          ExitCode.DATA,
          "%s is damaged: %s; delete it and compute it again.".formatted(source, JsonReason.of(e)),
          e);
    }
    origin.require(found, source);
    return result;
  }

  private static String format(String kind) {
    return "isthmus " + kind;
  }

  private static final class NumberWriter extends ValueSerializer<Double> {
    @Override
    public void serialize(Double value, JsonGenerator out, SerializationContext context) {
      if (Double.isFinite(value)) {
        out.writeNumber(value);
      } else {
        out.writeNull();
      }
    }
  }

  private static final class NumberReader extends ValueDeserializer<Double> {
    @Override
    public Double deserialize(JsonParser in, DeserializationContext context) {
      return in.getDoubleValue();
    }

    @Override
    public Object getNullValue(DeserializationContext context) {
      return Double.NaN;
    }
  }

  private static final class PairWriter extends ValueSerializer<Pair> {
    @Override
    public void serialize(Pair value, JsonGenerator out, SerializationContext context) {
      out.writeString(value.toString());
    }
  }

  private static final class PairReader extends ValueDeserializer<Pair> {
    @Override
    public Pair deserialize(JsonParser in, DeserializationContext context) {
      return Pair.parse(in.getString());
    }
  }
}
