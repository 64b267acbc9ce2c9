"""Codes of new items with faiss, given codebooks: FOLDER THREADS. Prints JSON."""
import json, sys, time
import faiss
import numpy as np

folder, threads = sys.argv[1], int(sys.argv[2])
faiss.omp_set_num_threads(threads)
items, books = np.load(f"{folder}/items.npy"), np.load(f"{folder}/books.npy")
start = time.perf_counter()
residual = items
for book in books:
    index = faiss.IndexFlatL2(book.shape[1])
    index.add(book)
    code = index.search(residual, 1)[1][:, 0]
    residual = residual - book[code]
seconds = time.perf_counter() - start
print(json.dumps(dict(seconds=seconds, levels=[dict(residual_mse=float((residual**2).mean()))])))
