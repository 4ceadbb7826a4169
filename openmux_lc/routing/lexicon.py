"""Cue words, by concept: what a word of a prompt may say about the wish behind it.

A concept means the same in every language, so that one rule serves them all. A
word that ends in `*` stands for every word that begins so. The lists hold common
words only; no entry comes from a data set's template.
"""

# ruff: noqa: RUF001 - words of many languages hold letters that look alike

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["WORDS"]

# Words between spaces, lower case: Latin, Cyrillic and Greek scripts.
WORDS: Final = MappingProxyType(
    {
        "make": (
            "create creates creating generate generates generating make makes making produce render compose "
            "design craft build convert turn erstelle erstell* erzeug* generier* mach mache kannst crea cree "
            "genera generar crear haz hazme créer crée créez génère générez fais générer creare generare fammi "
            "criar crie gere gerar faça maak genereer создай* создать сгенерир* сделай* stwórz utwórz wygeneruj "
            "zrób oluştur* yap üret* buat buatkan hasilkan tạo làm skapa generera створи* згенеруй vytvoř "
            "vygeneruj"
        ),
        "need": (
            "need want give provide show like looking require brauche quiero necesito veux voglio quero хочу "
            "нужн* potrzebuję istiyorum"
        ),
        "draw": (
            "draw sketch paint doodle drawing zeichne zeichn* skizziere dibuja* dibújame dessine* dessiner "
            "dessinez peins disegna* dipingi desenh* teken tekenen schilder нарисуй* нарисовать изобрази намалюй* "
            "narysuj* namaluj* çiz* resmet lukis* gambarkan gambarlah vẽ tegn kresli nakresli rajzolj"
        ),
        "illustrate": "illustrate illustrer ilustra illustriere",
        "abstract": (
            "conclusion conclusions comparison comparisons analogy analogies parallel parallels lesson lessons "
            "plan outline concept distinction inference timeline table contract flowchart diagram chart graph "
            "attention inspiration fazit schluss vergleich conclusión conclusiones conclusione conclusioni "
            "conclusão вывод выводы wniosek wnioski sonuç kesimpulan"
        ),
        "edit": (
            "clean split separate isolate trim merge combine cut mix isolat* reduce remove remov* erase crop "
            "resize colorize colourize colorise recolor upscale sharpen inpaint outpaint retouch blur brighten "
            "darken rotate enhance enhanc* denoise restore modify adjust replace edit swap entfern* freistellen "
            "bearbeite elimina* quita borra edita recorta supprime* enlève retouche efface rimuovi modifica "
            "remova remover apague verwijder удали* убери обрежь отредактируй usuń edytuj kaldır* düzenle sil "
            "hapus* xóa chỉnh ta"
        ),
        "look": (
            "describe detect identify recognize recognise segment segmentation caption captioning ocr locate "
            "count spot classify recognition detection visible depicted shown beschreib* erkenn* zähle describe* "
            "identifica* detecta* décris décrire identifie descrivi riconosci descreva identifique beschrijf "
            "herken опиши* распозна* определи* opisz rozpoznaj tanımla* açıkla deskripsikan jelaskan mô beskriv "
            "popiš"
        ),
        "translate": (
            "translate translat* translation übersetz* traduce* traduci* traduis* traduire traduisez traduction "
            "traduzir traduza traduz traduzi* traducción traduzione vertaal* vertalen переведи* перевод* перекла* "
            "przetłumacz* tłumacz* çevir* tercüme terjemah* dịch översätt* přelož* oversæt fordít* tradu"
        ),
        "summarize": (
            "summarize summarise summary summaries summariz* summaris* tldr condense condensed recap abstract "
            "digest gist zusammenfass* zusammen resume resumen resumir resúm* résum* riassum* riepilog* resumo "
            "resuma samenvat* vat кратко* резюм* суммар* перескажи podsumuj* streszcz* streść özetle* özet* "
            "ringkas* rangkum* tóm sammanfatta* shrň підсумуй headline"
        ),
        "transcribe": (
            "transcribe transcrib* transcript transcription transcripts diarize diarise diarization verbatim "
            "subtitle subtitles transkrib* abtippen transcripción transcriv* transcris transcripcion trascri* "
            "transcrever transcreva transcri* transcribeer расшифру* транскри* transkry* transkript* yazıya "
            "transkrip* phiên transkribera"
        ),
        "speak": (
            "narrate narration narrated voiceover voiceovers audiobook tts ssml pronounce vocalize recite "
            "vorlesen vorlies sprachausgabe vertone vertonen озвуч* вслух уголос seslendir* audiolibro locución "
            "lettura hörbuch lektor voorlezen голосом zvukově"
        ),
        "read": (
            "read reads lies lees lee lea lis lisez lire leggi leggere leia ler прочитай* прочти przeczytaj oku "
            "bacakan baca đọc läs přečti зачитай"
        ),
        "aloud": "aloud vorlesen вслух",
        "embed": (
            "embedding embeddings embed embeds vectorize vectorise vectorized einbettung* incrustaci* plongement* "
            "эмбеддинг* вектор* osadzen* gömme"
        ),
        "vector": (
            "vector vectors encode encoder encodings representation representations vektor* vecteur* vettor* wektor*"
        ),
        "similar": (
            "similar similarity similarities resemblance alike closest ähnlich* similitud similarit* semejanza "
            "similarité somiglianz* semelhança похож* сходств* podobieńst* benzerli* kemiripan"
        ),
        "cluster": (
            "cluster clusters clustering dedupe deduplicate deduplication duplicates rerank nearest neighbor "
            "neighbors neighbours"
        ),
        "semantic": "semantic semantically meaning semantisch* semántic* sémantiq* семантич*",
        "rewrite": (
            "rewrite rephrase paraphrase paraphrased proofread reword grammar grammatically polish simplify "
            "expand shorten spelling umformulier* korrigier* reescrib* reformul* corrige riscrivi correggi "
            "reescreva corrija herschrijf перефраз* перепиши исправь przepisz popraw yeniden perbaiki tulis"
        ),
        "write": (
            "write writing compose draft brainstorm invent imagine schreib* schreibe verfasse escribe escriba "
            "redacta écris écrire rédige* scrivi scrivere escreva redija schrijf напиши* придумай составь napisz "
            "yaz* tulis* tuliskan buatlah viết skriv napiš"
        ),
        "explain": (
            "explain explains explaining describe discuss compare why difference differences explore erklär* "
            "explica* explique* expliquer spiega* uitleg leg объясни* расскажи* wyjaśnij opowiedz açıkla* anlat* "
            "jelaskan giải förklara vysvětli поясни"
        ),
        "recommend": (
            "recommend recommends suggest suggestions advice advise tips tip should better worth empfiehl "
            "recomienda* recommande consiglia* aconseja conseille recomende посоветуй порекомендуй polecasz öner* "
            "sarankan"
        ),
        "ask": (
            "what who whom whose when where which why how wer wann wo welche warum wie qué quién cuándo dónde "
            "cuál cómo cuánto quoi qui quand où quel quelle comment pourquoi combien cosa chi dove quale come "
            "perché quanto quem quando onde qual como что кто когда где какой какая как почему сколько co kto "
            "kiedy gdzie jak dlaczego ne kim nerede nasıl neden apa siapa kapan mana bagaimana mengapa wat waar "
            "waarom hoe"
        ),
        "aux": "is are was were do does did am has have",
        "extract": (
            "extract extracts extraction entities entity ner sentiment classify categorize categorise label "
            "labels keyword keywords pos tagging tag anonymize redact spam topic polarity extrahier* extrae* "
            "extraer extrais estrai extraia извлеки* классифицир* wyodrębnij çıkar* ekstrak* sentimento "
            "sentimiento stimmung"
        ),
        "calculate": (
            "calculate compute solve evaluate simplify factor integrate differentiate prove sum divided "
            "multiplied times minus plus percent percentage sqrt berechne* löse rechne calcula* resuelve calculer "
            "calcule résous calcola* risolvi resolva bereken посчитай вычисли* реши* oblicz rozwiąż hesapla* çöz* "
            "hitung* selesaikan tính giải"
        ),
        "seek": (
            "find search seek finde suche busca buscar trouve cherche trova cerca procure найди поищи znajdź bul cari"
        ),
        "unit": (
            "inch inches feet foot meters metres miles kilometers km pounds ounces grams kilograms kg liters "
            "litres gallons cups teaspoons tablespoons celsius fahrenheit dollars euros"
        ),
        "math": (
            "equation equations integral derivative polynomial integer integers triangle circle probability "
            "fraction theorem algebra geometry arithmetic calculus matrix radius square root logarithm modulo "
            "divisible prime remainder gleichung ecuación équation equazione equação уравнени* równanie denklem "
            "persamaan"
        ),
        "reason": (
            "riddle puzzle logic deduce infer paradox syllogism logically step reasoning rätsel acertijo énigme "
            "indovinello загадк* zagadka bilmece teka-teki deduction hypothesis premise entail entails implies"
        ),
        "search": (
            "latest news weather forecast today tomorrow tonight currently nearby traffic prices stock stocks "
            "score scores weekend showtimes temperature headlines online website websites link links url "
            "wetter heute nachrichten aktuell* tiempo hoy noticias clima météo aujourd actualités meteo oggi "
            "notizie hoje notícias weer vandaag nieuws погода сегодня новости pogoda dzisiaj hava bugün haber "
            "cuaca berita nearest cinema theatre theaters rain snow sunny humidity trending happening events "
            "restaurants restaurant open closes busy review reviews directions route commute"
        ),
        "act": (
            "turn set remind play call send book schedule order add cancel open start stop mute unmute pause "
            "resume skip delete activate deactivate switch dim lock unlock email dial alert confirm pay transfer "
            "report reserve schalte schalt stell stelle spiel öffne schließ* enciende apaga pon reproduce abre "
            "cierra allume éteins mets ouvre ferme règle accendi spegni metti apri chiudi imposta ligar desligar "
            "ligue desligue abrir fechar abra feche toque zet doe speel включи* выключи* открой закрой поставь "
            "włącz wyłącz otwórz zamknij ustaw aç kapat ayarla çal nyalakan matikan buka tutup setel putar bật "
            "tắt rate tweet"
        ),
        "device": (
            "light lights lamp alarm timer thermostat playlist calendar meeting reminder volume speaker tv fan "
            "blinds curtain curtains door garage flight hotel taxi account card pin balance bill reservation "
            "table licht lampe wecker rollladen vorhang luz luces alarma temporizador persiana* cortina* lumière* "
            "volet* minuteur luce luci tapparella tende luzes свет лампу будильник таймер шторы światło rolety "
            "ışık ışığı perde* lampu tirai lampen gordijn* vacation appointment list contacts song album vacuum "
            "battery bank payment credit shopping sensor kitchen bedroom living"
        ),
        "picture": (
            "image images picture pictures photo photos photograph photographs pic pics illustration "
            "illustrations artwork drawing drawings painting paintings logo logos icon icons wallpaper poster "
            "avatar portrait sticker thumbnail banner screenshot selfie jpeg jpg png scan bild bilder foto fotos "
            "zeichnung imagen imágenes dibujo image* dessin photo* immagin* disegno fotografia imagem imagens "
            "desenho afbeelding* plaatje tekening картинк* изображени* фото* рисун* obraz obrazek zdjęcie zdjęci* "
            "rysunek resim resmi resmini görsel* fotoğraf* gambar ảnh bilden zeichnungen teckning obrázek "
            "fotografii kép εικόνα зображення"
        ),
        "style": (
            "watercolor watercolour digital anime cinematic pixel vaporwave cubist impressionist surreal lowpoly "
            "isometric stencil mosaic oil pastel charcoal neon lighting closeup ukiyo baroque minimalist"
        ),
        "render": (
            "photorealistic photorealism hyperrealistic hyperrealism octane artstation 4k 8k bokeh dslr unreal lora"
        ),
        "audio": (
            "audio recording recordings recorded podcast voicemail mp3 wav flac sound sounds memo speaker "
            "speakers microphone noise reverb pitch echo acoustic hiss interview aufnahme audiodatei "
            "sprachnachricht grabación audios enregistrement registrazione vocale gravação áudio opname запись "
            "записи аудио* голосов* nagranie nagrania ses kaydı rekaman suara"
        ),
        "music": (
            "music song melody beat jingle instrumental instrument instruments vocals drums bass guitar tune "
            "chord soundtrack sfx musik música musique musica музык* muzyk* müzik nhạc lied canción chanson "
            "canzone"
        ),
        "sound": "sound sounds noise sfx ambience geräusch* sonido* bruit* suono rumore som звук* dźwięk",
        "voice": (
            "voice voices accent tone spoken speaking male female stimme voz voix voce stem голос* głos* ses "
            "suara giọng röst"
        ),
        "video": "video videos mp4 clip footage gif movie animation film trailer vídeo* vidéo* видео* wideo klip",
        "data": (
            "csv spreadsheet dataset excel table column columns row rows chart charts histogram correlation "
            "regression average median outliers pivot tabelle tabla tableau tabella tabela таблиц* statistics "
            "trend quarterly revenue sheet sheets"
        ),
        "language": (
            "english german french spanish italian portuguese dutch russian polish turkish arabic hindi chinese "
            "mandarin japanese korean swedish latin greek hebrew vietnamese indonesian swahili deutsch englisch "
            "französisch spanisch inglés alemán francés español anglais allemand espagnol français inglese "
            "tedesco francese italiano inglês alemão engels duits английск* немецк* французск* русск* angielski* "
            "niemieck* polski ingilizce* almanca* inggris anh engelska czech thai danish finnish"
        ),
        "genre": (
            "poem poems story stories essay article blog letter email tweet caption haiku lyrics slogan tagline "
            "limerick joke jokes novel dialogue plot outline paragraph resume biography recipe review plan "
            "itinerary prompt prompts description sentence sentences gedicht geschichte brief aufsatz poema "
            "cuento carta ensayo correo poème histoire lettre poesia storia lettera história verhaal стих* "
            "рассказ* письмо эссе wiersz opowiadanie list şiir hikaye mektup puisi cerita surat thơ truyện dikt "
            "checklist agenda post presentation speech speeches rede discurso discours discorso proverb "
            "conversation names ideas"
        ),
        "given": (
            "texts passages articles documents sentences paragraphs following text passage article paragraph "
            "document sentence dialogue review folgend* texto siguiente texte suivant* testo seguente текст* "
            "tekst metin teks"
        ),
        "code_language": (
            "python javascript typescript java golang rust kotlin ruby perl php scala haskell sql mysql "
            "postgresql postgres sqlite oracle bash powershell html css latex regex json yaml xml jquery numpy "
            "pandas django flask react node nodejs npm docker kubernetes git linux unix nginx terraform matlab "
            "fortran cobol vba swift lua tsql plsql csharp graphql svg mermaid tikz selenium pytorch tensorflow "
            "excel mongodb"
        ),
        "code_noun": (
            "code function functions script program algorithm class method methods query queries api endpoint "
            "regex compiler debugger bug bugs unit array arrays string strings loop recursion variable variables "
            "parameter parameters argument boolean webpage dataframe schema stored procedure database datetime "
            "substring tuple tuples dictionary dictionaries nested element elements stack linked node nodes "
            "subquery join syntax snippet codebase repo repository commit exception stacktrace funktion programm "
            "código función programa fonction programme funzione programma função функци* программ* код* скрипт* "
            "funkcj* skrypt fonksiyon* kodu kod fungsi hàm kode skript dockerfile makefile component frontend "
            "backend website server"
        ),
        "code_verb": (
            "implement implements implementing debug refactor compile deploy parse print return returns sort "
            "concatenate iterate implementier* implementa* implémente programme programmier* реализуй "
            "zaimplementuj append recursively instantiate"
        ),
        "shell": (
            "directory directories folder folders file files recursively recursive symlink symlinks ssh chmod "
            "chown grep awk sed stdin stdout stderr symbolic hardlink permissions permission owner timestamp tar "
            "gzip disk cron daemon sudo subdirectories filename filenames extension mount process processes "
            "archive"
        ),
        "fs_verb": (
            "print prints display list lists count find finds rename copy move delete remove replace sort archive "
            "search change show create recursively"
        ),
        "db_verb": "insert update select join group pivot query queries index aggregate fetch retrieve order sum",
        "db_noun": "table tables column columns row rows record records field fields database value values",
        "roleplay": "pretend imagine roleplay persona character",
        "you": (
            "you your yourself u du dich dein te tu tú eres vous toi es-tu você ты тебя вы ty cię sen seni kamu "
            "bạn jij je"
        ),
        "me": (
            "i me my i'm i've i'd we us our mich mir mein ich yo mi je moi mio io eu meu я мне мой mnie moje ben "
            "bana saya aku tôi"
        ),
        "greet": (
            "hi hello hey thanks thank bye goodbye morning hallo hola bonjour salut ciao olá привет cześć merhaba "
            "halo danke gracias merci grazie obrigado спасибо dziękuję lol haha wow sorry ok okay yes no nope "
            "yeah yep cool nice"
        ),
        "feel": (
            "like love hate feel think believe favorite favourite enjoy happy sad funny boring fan friend married "
            "opinion"
        ),
        "please": (
            "u plz pls please kindly bitte por favor s'il plaît plait prego per piacere alsjeblieft пожалуйста "
            "proszę lütfen tolong silakan just now then also hey hi hello ok okay can could would will you i i'd "
            "like want need to me for help us let's lets kannst könntest puedes podrías peux pourriez peux-tu "
            "puoi potresti pode poderia kun можешь możesz mir einen ein eine a an the un une una um uma"
        ),
        "deep": (
            "prove proof derive derivation design architect architecture optimize optimise analyze analyse "
            "analysis evaluate critique comprehensive detailed rigorous thorough tradeoffs trade-offs "
            "implications refactor distributed concurrent scalable algorithm theorem strategy justify synthesize "
            "assess implement debug diagnose complexity constraints optimal minimum maximum beweise analysiere "
            "entwirf demuestra analiza diseña démontre conçois dimostra progetta demonstre analise докажи "
            "проанализируй спроектируй udowodnij przeanalizuj kanıtla analiz buktikan analisis rancang chứng"
        ),
        "easy": "define definition capital hello hi thanks color colour joke synonym antonym spell time name list",
        "moderate": "toxic toxicity offensive hateful harmful moderation nsfw",
        "again": (
            "continue again more another shorter longer louder weiter nochmal continúa otra encore ancora "
            "continua дальше продолж* ещё kontynuuj devam lanjutkan tiếp instead bigger smaller brighter darker"
        ),
    }
)
