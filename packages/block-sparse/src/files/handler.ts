/** What tfjs saves and loads models by, as a caller gives it. */
import { describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

/** What a handler can do; of a URL tfjs finds a handler when it is used. */
export interface Handler {
  readonly save?: tf.io.SaveHandler;
  readonly load?: tf.io.LoadHandler;
}

/**
 * @param given a handler of tfjs, or a URL or path that tfjs has handlers for
 * @param of the function that it is given to, for the error
 * @throws TypeError for what is neither
 */
export function handlerOf(given: tf.io.IOHandler | string, of: string): Handler {
  if (typeof given === 'string') {
    return {
      save: async (artifacts) => saverOf(given, of)(artifacts),
      // As tf.loadLayersModel does.
      load: async () => (tf.io.getLoadHandlers(given)[0] ?? tf.io.browserHTTPRequest(given)).load!(),
    };
  }
  const { save, load } = (given ?? {}) as tf.io.IOHandler;
  if (typeof save === 'function' || typeof load === 'function') {
    return {
      ...(save && { save: save.bind(given) }),
      ...(load && { load: load.bind(given) }),
    };
  }
  throw new TypeError(
    `${of} takes a handler of tfjs, with save() or load(), or a URL as text: it is given ${describeValue(given)}`,
  );
}

function saverOf(url: string, of: string): tf.io.SaveHandler {
  const [handler] = tf.io.getSaveHandlers(url);
  if (handler?.save) return handler.save.bind(handler);
  throw new RangeError(
    `${of}: tfjs has nothing that saves to '${url}': its scheme may need a package, as file:// needs tfjs-node`,
  );
}
