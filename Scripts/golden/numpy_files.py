# requirements: numpy==2.4.6
"""Writes Tests/Golden/numpy: arrays of every type that is read, and of some that are refused.

Run from the top of the checkout: python Scripts/golden/numpy_files.py
"""

import os

import numpy as np

OUTPUT = "Tests/Golden/numpy"
os.makedirs(OUTPUT, exist_ok=True)
values = np.array([[0, -1, 2.5], [1e30, -0.0, 3]])
np.save(f"{OUTPUT}/float32.npy", values.astype(np.float32))
np.save(f"{OUTPUT}/float64.npy", values)
np.save(f"{OUTPUT}/int32.npy", np.array([1, -2, 2**24], np.int32))
np.save(f"{OUTPUT}/int64.npy", np.array([[[1], [-2]]], np.int64))
np.save(f"{OUTPUT}/scalar.npy", np.float32(7))
np.save(f"{OUTPUT}/empty.npy", np.zeros((0, 3), np.float32))
np.save(f"{OUTPUT}/fortran.npy", np.asfortranarray(values))
np.save(f"{OUTPUT}/refused_float16.npy", values.astype(np.float32).clip(-9, 9).astype(np.float16))
np.save(f"{OUTPUT}/refused_big_endian.npy", values.astype(">f4"))
with open(f"{OUTPUT}/version2.npy", "wb") as stream:
    np.lib.format.write_array(stream, values.astype(np.float32), version=(2, 0))
