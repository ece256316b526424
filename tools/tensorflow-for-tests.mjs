/**
 * Before the tests: builds the native backend for the TensorFlow of the Python that $ESPALIER_PYTHON names, where it names
 * one. A second time it does nothing. The tests that want it skip without it, and say so.
 */
const python = process.env.ESPALIER_PYTHON;
if (python) {
  try {
    const { installTensorflow } = await import('@espalier/backend');
    const { addon, made, seconds } = await installTensorflow({ python });
    const { version } = addon.tensorflow;
    console.log(
      `The native backend for TensorFlow ${version} ${made ? `was built in ${seconds} s` : 'is there'}`,
    );
  } catch (error) {
    console.log(`The native backend could not be built, its tests will skip: ${error.message}`);
  }
}
