"""What is measured, with numpy only.

ranking         ranked lists: MAP, P@k, R@k, R-precision, buckets by training frequency, prefix match
gain            ranked lists by weight: nDCG@k, mAP@k of retrieval, propensity-scored P@k
classification  codes assigned, from ranked lists: micro and macro F1 and AUC, exact match
full_matrix     the same from a score for every label of every note, as the ICD coding papers have it
calibration     probabilities: reliability curve, ECE, Brier score
evidence        words: MDACE's span and token F1
significance    one system against another on the same notes
"""
