/** The loss' gradient by the effective weight of one kernel, recorded in the steps in which it is asked for. */
import * as tf from '@tensorflow/tfjs';

export class RecordedGradient {
  #records = false;
  /** `[n, m]`, summed over the places that read the weight. */
  #gradient: tf.Tensor2D | null = null;
  /** Whether that is of a step that is over, so that the next to be recorded takes its place. */
  #isOld = true;

  /** Whether that of the step to come is recorded. */
  get records(): boolean {
    return this.#records;
  }

  /** `[n, m]`; null where none is. */
  get gradient(): tf.Tensor2D | null {
    return this.#gradient;
  }

  /** Whether one was recorded in the step that is about to be closed. */
  get isNew(): boolean {
    return this.#gradient !== null && !this.#isOld;
  }

  /** From now on, the gradient of the step to come is recorded, in the place of that before, or is not. */
  record(records: boolean): void {
    this.#records = records;
  }

  /** A step is over: the gradient that was recorded in it is that of the last step; one that was before it, forgotten. */
  closeStep(): void {
    if (this.#isOld) this.restore(null);
    this.#isOld = true;
  }

  /** Puts back what was recorded; takes the tensor over. */
  restore(gradient: tf.Tensor2D | null): void {
    this.#gradient?.dispose();
    this.#gradient = gradient && tf.keep(gradient);
  }

  /** The weight `[n, m]` itself, its gradient recorded on the way back. */
  through(weight: tf.Tensor2D): tf.Tensor2D {
    const record = (gradient: tf.Tensor2D) => {
      const before = this.#gradient;
      const adds = before !== null && !this.#isOld;
      this.#isOld = false;
      this.#gradient = tf.keep(adds ? before.add<tf.Tensor2D>(gradient) : gradient.clone());
      before?.dispose();
      return gradient;
    };
    return tf.customGrad((x) => ({
      value: (x as tf.Tensor).clone(),
      gradFunc: (dy) => record(dy as tf.Tensor2D),
    }))(weight) as tf.Tensor2D;
  }

  /** Lets go of it, and records no more. */
  dispose(): void {
    this.#records = false;
    this.restore(null);
  }
}
