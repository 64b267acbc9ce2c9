"""The same work with Python libraries, on vectors that the benchmark wrote. Prints JSON.

kmeans FOLDER faiss|constrained CODEBOOK LEVELS ITERS THREADS SEED   residual k-means of FOLDER/items.npy
encode FOLDER THREADS                                                codes of FOLDER/items.npy by FOLDER/books.npy
"""
import json
import resource
import sys
import time

import numpy as np


def kmeans(folder, method, codebook, levels, iters, threads, seed):
    codebook, levels, iters, threads, seed = map(int, (codebook, levels, iters, threads, seed))
    items = np.load(f"{folder}/items.npy")
    if method == "faiss":
        import faiss
        faiss.omp_set_num_threads(threads)
    else:
        from k_means_constrained import KMeansConstrained
    start = time.perf_counter()
    residual, sizes = items, []
    for _ in range(levels):
        if method == "faiss":
            # Every point takes part, as in ours: faiss would otherwise train on 256 per centroid.
            km = faiss.Kmeans(items.shape[1], codebook, niter=iters, seed=seed, max_points_per_centroid=len(items))
            km.train(residual)
            centroids, code = km.centroids, km.index.search(residual, 1)[1][:, 0]
        else:
            least = len(items) // codebook
            km = KMeansConstrained(codebook, size_min=least, size_max=least + 1, n_init=1, max_iter=iters,
                                   random_state=seed, n_jobs=1).fit(residual)
            centroids, code = km.cluster_centers_.astype("f4"), km.labels_
        residual = residual - centroids[code]
        load = np.bincount(code, minlength=codebook)
        sizes += [int(load.min()), int(load.max())]
    return start, residual, sizes


def encode(folder, threads):
    import faiss
    faiss.omp_set_num_threads(int(threads))
    items, books = np.load(f"{folder}/items.npy"), np.load(f"{folder}/books.npy")
    start = time.perf_counter()
    residual = items
    for book in books:
        index = faiss.IndexFlatL2(book.shape[1])
        index.add(book)
        residual = residual - book[index.search(residual, 1)[1][:, 0]]
    return start, residual, [0, 0]


start, residual, sizes = {"kmeans": kmeans, "encode": encode}[sys.argv[1]](*sys.argv[2:])
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(dict(seconds=seconds, error=float((residual.astype("f8") ** 2).mean()), least=min(sizes),
                      most=max(sizes), peak_bytes=peak)))
